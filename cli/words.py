"""Words for the demo company's past. People, firms and numbers are made up."""

from typing import Any, Final

_FIRST_PT = """
Ana Beatriz Carla Catarina Cristina Daniela Elsa Filipa Graça Helena Inês Isabel Joana Leonor Luísa Mafalda Margarida
Marta Mónica Patrícia Raquel Rita Sandra Sara Susana Teresa Vera André Bruno Carlos Daniel Duarte Eduardo Fernando Gil
Gonçalo Hugo Jaime Joaquim Jorge Luís Manuel Miguel Nuno Paulo Pedro Rafael Ricardo Tomás Vasco
"""
_LAST_PT = """
Abrantes Alcobia Bandeira Barradas Caldeira Canhoto Dourado Escada Falcato Feijó Galrão Lagarto Malheiro Mourato Nabais
Outeiro Palmeira Quaresma Rebocho Salgueiro Tapadas Valadas Ventura
"""
_FIRST_ES = """
Alba Amparo Blanca Carmen Elena Elvira Irene Laura Lorena Marina Nieves Rocío Silvia Teresa Yolanda Adrián Bernardo
Emilio Fermín Gaspar Jaime Marcos Pablo Raúl Saúl
"""
_LAST_ES = """
Alcántara Baena Carrasco Dorado Espejo Galván Herrador Lozano Manzano Nogales Olmedo Palomar Quintana Robledo Salcedo
Tejero Valverde Zamorano
"""
NAMES: Final = {"pt": (_FIRST_PT.split(), _LAST_PT.split()), "es": (_FIRST_ES.split(), _LAST_ES.split())}
"""First and last names, by locale."""

_PLACES_PT = "Lisboa Almada Sintra Cascais Setúbal Loures Porto Gaia Braga Matosinhos Guimarães Aveiro Évora Coimbra"
_PLACES_ES = "Madrid Getafe Alcalá Toledo Valladolid Salamanca Badajoz Vigo Puebla Querétaro Guadalajara"
PLACES: Final = {"pt": _PLACES_PT.split(), "es": _PLACES_ES.split()}
COMPANIES: Final = (
    "Pensão Maré Alta",
    "Café do Largo Novo",
    "Imobiliária Três Pinheiros",
    "Restaurante Panela Velha",
    "Alojamento Casa da Eira",
    "Construções Pedra Miúda",
    "Ateliê Linha Torta",
)
WISHES: Final = {
    "demo": (
        "Estou a remodelar o apartamento em {place} e queria ideias para a cozinha. São {metres} m².",
        "Bom dia, fazem cozinhas por medida com ilha? Quando posso visitar a loja?",
        "Vi o vosso trabalho no site. Precisava de alguém que viesse tirar medidas a {place}.",
        "Queria saber o prazo para uma cozinha de {metres} m², com eletrodomésticos.",
        "A bancada de pedra que comprei aí há anos partiu-se num canto. Ainda têm a mesma?",
        "Trabalham com madeira maciça? Procuro uma cozinha simples, sem puxadores.",
        "Podem ligar depois das 18h? Estou a comparar três orçamentos.",
        "Mudo-me em dois meses e o espaço está vazio. O que é preciso para começar?",
        "Têm exposição ao sábado? Gostava de ver acabamentos antes de decidir.",
        "É para um alojamento com duas copas pequenas. Fazem preço por duas?",
    ),
    "orcamento": (
        "Cozinha em L, {metres} m², parede de água à esquerda. Gostava de ter tudo pronto antes do Natal.",
        "Tenho planta em PDF. Bancada em quartzo claro, forno em coluna.",
        "Só trocar portas e puxadores, a estrutura está boa.",
        "Moradia nova em {place}, obra entregue daqui a três meses.",
        "Roupeiro de correr com 2,80 m, interior com gavetas.",
        "Orçamento até 12 mil euros com montagem, se possível.",
        "Cozinha aberta para a sala, {metres} m². Preciso de arrumação até ao teto.",
        "Bancada de 3,20 m com lava-loiça encastrado. Retiram a antiga?",
    ),
    "taller-de-cocina": (
        "Me interesa ver cocinas pequenas, la mía tiene {metres} m².",
        "Vamos dos personas. ¿Se puede reservar por la tarde?",
        "Quiero comparar encimeras de cuarzo y porcelánico.",
        "Estamos reformando un piso en {place} y buscamos ideas.",
        "¿Habrá alguien que nos haga un presupuesto allí mismo?",
        "Me lo recomendó una amiga que fue al taller anterior.",
    ),
}
_SITE = {"page": "https://cozinhas.example.com/contacto"}
_QUOTE = {"page": "https://cozinhas.example.com/orcamento"}
_EVENT = {"page": "https://cocinas.example.com/taller"}
CAMPAIGNS: Final = {
    "demo": (
        _SITE,
        _SITE,
        _SITE | {"utm_source": "google", "utm_medium": "cpc", "utm_campaign": "cozinhas-lisboa"},
        _SITE | {"utm_source": "instagram", "utm_medium": "social", "utm_campaign": "antes-e-depois"},
    ),
    "orcamento": (_QUOTE, _QUOTE | {"utm_source": "google", "utm_medium": "cpc", "utm_campaign": "orcamento-porto"}),
    "taller-de-cocina": (
        _EVENT,
        _EVENT | {"utm_source": "newsletter", "utm_medium": "email", "utm_campaign": "taller"},
    ),
}
NOTES: Final = {
    "pt": {
        "wants": "Simpática, sabe o que quer. Prefere ser contactada ao fim da tarde.",
        "measured": "Medidas tiradas. Parede do fundo fora de esquadria 2 cm.",
        "quoted": "Enviei orçamento com duas opções de bancada.",
        "accepts": "Aceita a opção em quartzo. Pede fatura com contribuinte da empresa.",
        "nobody": "Toca e ninguém atende.",
        "message": "Deixei mensagem com o horário da loja.",
        "wrong": "O número é de outra pessoa, que não pediu nada.",
        "dear": "Acha caro ao lado de uma cadeia grande. Expliquei a montagem incluída.",
        "later": "A obra atrasou. Pediu para falarmos quando houver chão.",
        "thinks": "Vai falar com o marido e decide.",
        "shop": "Veio à loja, viu três acabamentos e levou amostras.",
        "no": "Já comprou noutro lado.",
    },
    "es": {
        "wants": "Muy amable, tiene clara la idea. Mejor llamar por la tarde.",
        "measured": "Medidas tomadas. Hay una bajante en la esquina.",
        "quoted": "Enviado presupuesto con dos encimeras.",
        "accepts": "Acepta la opción de cuarzo.",
        "nobody": "No contesta.",
        "message": "Mensaje con el horario del taller.",
        "wrong": "El número es de otra persona.",
        "dear": "Le parece caro. Le expliqué que el montaje va incluido.",
        "later": "La reforma se retrasa. Pide que le llamemos más adelante.",
        "thinks": "Lo habla en casa y nos dice.",
        "shop": "Vino al taller y se llevó muestras.",
        "no": "Ya compró en otro sitio.",
    },
}
LAST_WORDS: Final = {
    "pt": {
        "won": ("Cozinha completa com montagem", "Assinado na loja", "Sinal pago, montagem marcada"),
        "price": ("Preço acima do orçamento", "Ficou com a proposta mais barata"),
        "silent": ("Não responde a chamadas nem mensagens", "Deixou de responder"),
        "wrong": ("Contacto errado",),
        "elsewhere": ("Comprou noutro lado", "Adiou a obra para o ano"),
        "return": ("Conheço a cliente, prefiro que seja um colega", "Fica fora da minha zona de montagem"),
        "unwanted": (
            "Obra nos Açores, não montamos lá",
            "Não temos transporte para as ilhas",
            "Passo: não fazemos ilhas",
        ),
    },
    "es": {
        "won": ("Firmado en el taller", "Señal pagada, montaje con fecha"),
        "price": ("Precio por encima de su presupuesto",),
        "silent": ("No responde a llamadas ni mensajes",),
        "wrong": ("Contacto erróneo",),
        "elsewhere": ("Compró en otro sitio", "Aplaza la reforma"),
        "return": ("Es de otra zona", "Pide que le atienda otra persona"),
    },
}
AGENDA: Final[tuple[dict[str, Any], ...]] = (
    {
        "weight": 16,
        "ending": "won",
        "words": "won",
        "end": (9, 1010),
        "steps": (
            (0, 20, "call", "interested", "wants"),
            (2, 660, "visit", "interested", "measured"),
            (5, 615, "email", "", "quoted"),
            (9, 990, "call", "interested", "accepts"),
        ),
    },
    {
        "weight": 9,
        "ending": "won",
        "words": "won",
        "end": (4, 1060),
        "steps": (
            (0, 30, "whatsapp", "", "message"),
            (1, 640, "call", "callback", "thinks"),
            (4, 960, "visit", "interested", "shop"),
        ),
    },
    {
        "weight": 5,
        "ending": "won",
        "words": "won",
        "end": (24, 1000),
        "steps": (
            (0, 40, "call", "reached", "thinks"),
            (6, 700, "visit", "interested", "measured"),
            (12, 640, "email", "", "quoted"),
            (24, 980, "call", "interested", "accepts"),
        ),
    },
    {
        "weight": 17,
        "ending": "lost",
        "words": "price",
        "end": (10, 1000),
        "steps": (
            (0, 25, "call", "interested", "wants"),
            (3, 720, "visit", "interested", "measured"),
            (6, 680, "email", "", "quoted"),
            (10, 985, "call", "not_interested", "dear"),
        ),
    },
    {
        "weight": 17,
        "ending": "lost",
        "words": "silent",
        "end": (8, 640),
        "steps": (
            (0, 15, "call", "no_answer", "nobody"),
            (1, 600, "whatsapp", "", "message"),
            (3, 1020, "call", "no_answer", "nobody"),
            (8, 620, "call", "busy", ""),
        ),
    },
    {
        "weight": 5,
        "ending": "lost",
        "words": "wrong",
        "end": (0, 100),
        "steps": ((0, 35, "call", "wrong_number", "wrong"),),
    },
    {
        "weight": 9,
        "ending": "lost",
        "words": "elsewhere",
        "end": (3, 740),
        "steps": (
            (0, 45, "call", "no_answer", ""),
            (1, 610, "call", "reached", "thinks"),
            (3, 730, "call", "not_interested", "no"),
        ),
    },
    {
        "weight": 8,
        "ending": "lost",
        "words": "elsewhere",
        "end": (41, 700),
        "steps": (
            (0, 30, "call", "interested", "wants"),
            (4, 690, "visit", "interested", "measured"),
            (8, 650, "email", "", "quoted"),
            (19, 640, "call", "callback", "later"),
            (40, 640, "call", "not_interested", "no"),
        ),
    },
    {
        "weight": 5,
        "ending": "won",
        "words": "won",
        "end": (39, 1000),
        "steps": (
            (0, 50, "email", "", "quoted"),
            (2, 620, "call", "callback", "thinks"),
            (16, 1000, "visit", "interested", "shop"),
            (38, 650, "call", "interested", "accepts"),
        ),
    },
)
"""How leads go. Each step: days after it was assigned, minute of the day, kind, outcome, note."""
