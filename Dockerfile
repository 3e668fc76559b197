# One image for every process; which one is the command, as in docs/architecture.md. Build: docker build -t rodizio .
# Everything that is installed is locked with its hashes. What browsers get and translations are made while it is built.
ARG PYTHON=python:3.11-slim-bookworm
ARG NODE=node:22-bookworm-slim

FROM ${NODE} AS node

FROM ${PYTHON} AS build
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules/npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/rodizio
ENV PATH=/opt/rodizio/bin:$PATH
WORKDIR /src
COPY requirements.lock ./
RUN pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md requirements.in package.json package-lock.json ./
COPY tools/assets.py tools/
COPY contracts contracts
COPY runtime runtime
COPY services services
COPY gateway gateway
COPY cli cli
COPY sandbox sandbox
RUN find gateway/translations -name '*.po' -exec sh -c 'pybabel -q compile -i "$1" -o "${1%.po}.mo"' _ {} ';' \
    && python tools/assets.py run \
    && pip install --no-deps --no-build-isolation . \
    && python -m compileall -q /opt/rodizio

FROM ${PYTHON}
RUN groupadd --gid 10001 rodizio \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/rodizio --shell /usr/sbin/nologin rodizio \
    && install -d -o 10001 -g 10001 -m 0700 /var/lib/rodizio
COPY --from=build /opt/rodizio /opt/rodizio
# Only /tmp and /var/lib/rodizio are ever written to.
ENV PATH=/opt/rodizio/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONWARNINGS=ignore \
    EVENTLET_NO_GREENDNS=yes \
    RODIZIO_VAR=/var/lib/rodizio \
    RODIZIO_GATEWAY_HOST=0.0.0.0 \
    RODIZIO_HEALTH_HOST=0.0.0.0
WORKDIR /var/lib/rodizio
USER 10001:10001
EXPOSE 8080 8090 8100-8106
CMD ["rodizio", "--help"]
