// What is typed outlives a reload, a refusal and Back. The server needs none of it.

const SENT = "draft-sent"; // in the session's storage: the draft whose form was sent last
const sent = sessionStorage.getItem(SENT);
sessionStorage.removeItem(SENT);

// What was sent has been recorded, and its draft goes, unless this page says that it was refused.
const isMessage = document.querySelector("#typed");
if (sent && isMessage) isMessage.hidden = false;
else if (sent && !document.querySelector("#lacks")) sessionStorage.removeItem(sent);
isMessage?.querySelector("button").addEventListener("click", () => history.back());

for (const form of document.querySelectorAll("form[data-draft]")) {
  restore(form);
  form.addEventListener("input", () => {
    sessionStorage.setItem(form.dataset.draft, JSON.stringify([...new FormData(form)]));
  });
  form.addEventListener("submit", () => sessionStorage.setItem(SENT, form.dataset.draft));
}

function restore(form) {
  const draft = sessionStorage.getItem(form.dataset.draft);
  if (!draft) return;
  const typed = JSON.parse(draft);
  for (const field of form.elements) {
    const values = typed.filter(([name]) => name === field.name).map(([, value]) => value);
    // What was changed before this script ran counts before the draft.
    if (["checkbox", "radio"].includes(field.type)) {
      if (field.checked === field.defaultChecked) field.checked = values.includes(field.value);
    } else if (values.length && [undefined, field.value].includes(field.defaultValue)) field.value = values[0];
  }
  form.closest("details")?.setAttribute("open", "");
}
