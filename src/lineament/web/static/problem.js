// A problem shown in place: the sentence, what to do next, and the code.

export function showProblem(panel, { detail, remedy = "", code = "" }) {
  panel.replaceChildren(line(detail, ""), line(remedy, ""), line(code && `Code: ${code}`, "fine"));
  panel.hidden = false;
  panel.scrollIntoView({ block: "center" });
}

export function hideProblem(panel) {
  panel.hidden = true;
  panel.replaceChildren();
}

export const UNREACHABLE = {
  detail: "The server could not be reached.",
  remedy: "Check that Lineament is still running, and try again.",
};

export function problemFrom(body) {
  return body && body.detail ? body : { detail: "The server's answer could not be read.", remedy: "Try again." };
}

function line(text, name) {
  const paragraph = document.createElement("p");
  paragraph.className = name;
  paragraph.hidden = !text;
  String(text).split("`").forEach((part, at) => {
    const node = document.createElement(at % 2 ? "code" : "span");
    node.textContent = part;
    paragraph.append(node);
  });
  return paragraph;
}
