// The form of a comparison: how much is done, and a draft that outlives a reload. The server needs none of it.

const SENT = "comparison-sent"; // in the session's storage: the draft whose form was sent last
const form = document.querySelector("#comparison");

// What was sent and is no longer asked for has been recorded: its draft goes.
const sent = sessionStorage.getItem(SENT);
sessionStorage.removeItem(SENT);
if (sent && sent !== form?.dataset.draft) sessionStorage.removeItem(sent);

if (form) {
  restore();
  count();
  document.querySelector("#done-line").hidden = false;
  document.querySelector("#lacks")?.focus();
  form.addEventListener("input", () => {
    const fields = new FormData(form);
    sessionStorage.setItem(form.dataset.draft, JSON.stringify([...fields]));
    count();
  });
  form.addEventListener("submit", () => sessionStorage.setItem(SENT, form.dataset.draft));
  document.querySelector("#next").addEventListener("click", (event) => {
    event.preventDefault();
    (firstOpen() ?? form.querySelector(".said")).querySelector("input, textarea").focus();
  });
}

// Put back what was typed before; what the server has sent back counts before it.
function restore() {
  for (const [name, value] of JSON.parse(sessionStorage.getItem(form.dataset.draft) ?? "[]")) {
    const field = form.elements[name];
    if (field && !field.value) field.value = value;
  }
}

function features() {
  return [...form.querySelectorAll("[data-feature]")];
}

function isDone(feature) {
  const said = feature.querySelector(":checked")?.value;
  return said && (said !== "different" || feature.querySelector("textarea").value.trim());
}

function firstOpen() {
  return features().find((feature) => !isDone(feature));
}

function count() {
  const done = features().filter(isDone).length;
  const text = `${done} of ${features().length} done`;
  const line = document.querySelector("#done");
  if (line.textContent !== text) line.textContent = text;
  document.querySelector("#done-bar").value = done;
}
