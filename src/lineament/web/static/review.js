// The form of a comparison: how much is done. The draft is draft.js's, which runs first.

const form = document.querySelector("#comparison");

if (form) {
  count();
  document.querySelector("#done-line").hidden = false;
  document.querySelector("#lacks")?.focus();
  form.addEventListener("input", count);
  document.querySelector("#next").addEventListener("click", (event) => {
    event.preventDefault();
    (firstOpen() ?? form.querySelector(".said")).querySelector("input, textarea").focus();
  });
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
