// Uploads a file part by part, and goes on by itself after a lost connection; what is for leads only shows for leads.
(() => {
  const form = document.getElementById("upload");
  if (form) {
    const words = form.dataset, part = Number(words.part);
    const at = (name) => document.getElementById(`upload-${name}`);
    const input = document.getElementById("file"), drop = document.getElementById("drop"), button = at("button");
    let busy = false;
    form.querySelectorAll("[data-with-script]").forEach((hint) => { hint.hidden = false; });

    const refuse = (text) => {
      busy = false;
      button.disabled = false;
      at("progress").hidden = true;
      at("problem").textContent = text;
      at("problem").classList.toggle("d-block", Boolean(text));
    };
    const show = (sent, size) => {
      const share = Math.floor(100 * sent / size);
      at("bar").style.width = `${share}%`;
      at("bar").setAttribute("aria-valuenow", share);
      at("told").textContent = `${share} % ${words.sent}`;
    };
    const pause = (seconds) => new Promise((resolve) => {
      const done = () => { removeEventListener("online", done); resolve(); };
      addEventListener("online", done);
      setTimeout(done, seconds * 1000);
    });
    // All that is sent may be sent again: whatever may pass is tried until it does.
    const ask = async (method, address, body, type) => {
      for (let attempt = 0; ; attempt++) {
        let answer;
        try {
          answer = await fetch(address, { method, body, headers: type ? { "Content-Type": type } : {} });
        } catch (error) {
          // A file that is gone fails in the same way as a network that is.
          if (body instanceof Blob) await body.slice(0, 1).arrayBuffer().catch(() => { throw new Error(words.changed); });
        }
        if (answer?.ok) return answer.json();
        if (answer?.status === 401) throw new Error(words.expired);
        if (answer && ![408, 429, 502, 503, 504].includes(answer.status)) {
          const told = await answer.json().catch(() => ({}));
          throw new Error(told.errors?.[0]?.code === "too_long" ? words.large : words.failed);
        }
        at("waiting").textContent = words.waiting;
        await pause(Math.min(30, 1 + 2 ** attempt / 2));
        at("waiting").textContent = "";
      }
    };
    const upload = async (file) => {
      if (busy) return;
      if (!file.size) return refuse(words.empty);
      if (file.size > Number(words.most)) return refuse(words.large);
      const begun = words.import;
      if (begun && (file.name !== words.name || file.size !== Number(words.size))) return refuse(words.other);
      refuse("");
      busy = true;
      button.disabled = true;
      at("progress").hidden = false;
      at("name").textContent = file.name;
      try {
        const name = file.name.slice(-255);
        const id = begun || (await ask("POST", "/api/v1/imports", JSON.stringify({ name, size: file.size }), "application/json")).import_id;
        // Parts are sent one after the other, so that those that are there are the first ones.
        for (let number = begun ? Math.floor(Number(words.received) / part) : 0; number * part < file.size; number++) {
          show(number * part, file.size);
          const slice = file.slice(number * part, (number + 1) * part);
          await ask("PUT", `/api/v1/imports/${id}/parts/${number}`, slice, "application/octet-stream");
        }
        show(file.size, file.size);
        await ask("POST", `/api/v1/imports/${id}/uploaded`);
        busy = false;
        location.href = words.page.replace("00000000-0000-0000-0000-000000000000", id);
      } catch (error) {
        refuse(error.message);
      }
    };

    form.addEventListener("submit", (event) => {
      event.preventDefault();
      event.stopImmediatePropagation();
      if (input.files[0]) upload(input.files[0]);
    });
    input.addEventListener("change", () => input.files[0] && upload(input.files[0]));
    for (const name of ["dragenter", "dragover"]) drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("is-over"); });
    for (const name of ["dragleave", "drop"]) drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.remove("is-over"); });
    drop.addEventListener("drop", (event) => event.dataTransfer.files[0] && upload(event.dataTransfer.files[0]));
    addEventListener("beforeunload", (event) => busy && event.preventDefault());
  }

  const plan = document.getElementById("plan");
  if (plan) {
    const leads = plan.querySelector("[data-for-leads]");
    const turn = () => { leads.hidden = plan.elements.makes.value !== "leads"; };
    plan.addEventListener("change", turn);
    turn();
  }
})();
