// First steps that run at a click, the switch of channels, Enter in a command, and SimCord's words in the reader's language.
// `TEXTS`, which the server puts before this, has whole texts (`exact`), `patterns`, and `commands`, `options` and those of a
// message's `menu` by their English names.
const capability = { "X-Simcord-Capability": location.hash.slice(1) };
const composer = () => document.getElementById("channel-composer-input");

const navigation = document.querySelector("#paperround nav");
async function go(address) {
  const answer = await fetch(address, { headers: capability });
  if (answer.ok) location.reload();
}
navigation.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!link) return;
  event.preventDefault();
  void go(link.getAttribute("href"));
});
// A thread that the bot has opened is listed without a reload.
let drawn = 0;
async function redraw() {
  if (simcordPreview.publishedRevision === drawn || location.hash.length < 2) return;
  drawn = simcordPreview.publishedRevision;
  const answer = await fetch("/paperround/navigation", { headers: capability });
  const shown = answer.ok && !answer.redirected ? await answer.text() : "";
  if (shown && navigation.dataset.shown !== shown) navigation.innerHTML = navigation.dataset.shown = shown;
}
// Asked for once: the server may not know the browser's zone.
const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
if (TEXTS.zone && ![TEXTS.zone, sessionStorage.zone].includes(timeZone) && location.hash.length > 1) {
  sessionStorage.zone = timeZone;
  void go(`/paperround/zone?name=${encodeURIComponent(timeZone)}`);
}

const steps = document.querySelector("#paperround details");
const narrow = matchMedia("(max-width: 760px)");
steps.open = !narrow.matches;
narrow.addEventListener("change", () => { steps.open = !narrow.matches; });
// Without its part after the # the address opens an empty channel.
// A reload, or a link that was opened before this script ran, may lose it; the tab remembers it.
if (location.hash.length > 1) {
  sessionStorage.address = location.hash;
} else if (sessionStorage.address) {
  location.replace(sessionStorage.address);
} else {
  document.getElementById("paperround-address").hidden = false;
  document.getElementById("preview-shell").hidden = steps.hidden = true;
}
addEventListener("hashchange", () => location.reload());
for (const button of document.querySelectorAll("#paperround [data-line]")) {
  button.addEventListener("click", () => {
    document.querySelector(".command-context-close")?.click();
    send(button.dataset.line);
    if (narrow.matches) steps.open = false;
  });
}

function write(text) {
  composer().value = text;
  composer().dispatchEvent(new Event("input", { bubbles: true }));
}
function send(line) {
  write(line);
  composer().dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true, cancelable: true }));
  composer().form.requestSubmit();
}
// SimCord drops what is sent while the press or the line before it is still being answered; here it waits for its turn.
const lines = [];
let commandWaits = false; // A command that was chosen from the list takes the place of the text box.
function isBusy() {
  const { pendingAction, awaitingRevision, publishedRevision } = simcordPreview;
  return pendingAction !== null || (awaitingRevision !== null && awaitingRevision > publishedRevision);
}
let sent = null;
document.addEventListener("submit", (event) => {
  if (event.target.id !== "channel-composer") return;
  const line = composer()?.value ?? null;
  if (!isBusy()) sent = line;
  // The second of two presses of Enter, while the box still has what the first one sends, sends nothing.
  const kind = line === null ? "run_command" : "send_message";
  if (!isBusy() || (simcordPreview.pendingAction?.kind === kind && line === sent)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (line === null) {
    commandWaits = true;
  } else if (line.trim()) {
    lines.push(line);
    write("");
  }
}, true);
// So does a press of Vote, as after a change of the viewer, when SimCord first sends the size of its window.
let vote = null;
document.addEventListener("click", (event) => {
  const key = event.target.closest(".poll-actions button")?.dataset.controlKey;
  if (!key || !isBusy()) return;
  event.stopImmediatePropagation();
  vote = key;
}, true);
let form = null;
function reportForm() {
  const { modalHandle } = simcordPreview.renderState;
  if (form && !modalHandle) void fetch(`/paperround/cancelled?${form}`, { headers: capability });
  form = modalHandle;
}
new MutationObserver(reportForm).observe(document.getElementById("modal-root"), { attributes: true, childList: true });
setInterval(() => {
  reportForm();
  void redraw();
  if (isBusy()) return;
  if (vote) {
    document.querySelector(`[data-control-key="${vote}"]`)?.click();
    vote = null;
  } else if (composer() && lines.length) {
    const typedSince = composer().value;
    send(lines.shift());
    if (simcordPreview.pendingAction) write(typedSince);
  } else if (!composer() && commandWaits) {
    document.getElementById("channel-composer").requestSubmit();
  }
  commandWaits = false;
}, 50);

// SimCord opens the list of a field again after a choice from it, with the first entry marked, and the list of options after a
// command without required ones was chosen: Enter would choose from these. Here it sends, unless a list was moved in or typed for.
let isChoosing = false;
const labels = new Map(); // The names of chosen values, which SimCord shows as they are sent.
const isFilled = (element) => element.matches(".command-chip, .command-mention") || (element.matches(".command-option-input") && element.value);
function closeList(element) {
  element.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true, cancelable: true }));
}
function showLabel(input) {
  if (!labels.has(input.value)) return;
  input.value = labels.get(input.value);
  input.style.width = `${Math.min(24, input.value.length + 1)}ch`;
}
document.addEventListener("keydown", (event) => {
  if (!event.target.closest(".command-row")) return;
  if (event.key.startsWith("Arrow")) isChoosing = true;
  const isMarked = document.querySelector(".command-popup:not([hidden]) [aria-selected=true]");
  if (event.key !== "Enter" || event.isComposing || !isFilled(event.target) || (isChoosing && isMarked)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  closeList(event.target);
  document.getElementById("channel-composer").requestSubmit();
}, true);
document.addEventListener("input", ({ target }) => { isChoosing ||= target.matches(".command-option-input"); }, true);
document.addEventListener("focusin", ({ target }) => { if (target.matches(".command-chip")) isChoosing = false; });
document.addEventListener("click", ({ target }) => {
  const chosen = target.closest(".command-suggestion");
  if (!chosen) return;
  isChoosing = false;
  const isOption = chosen.querySelector(".command-suggestion-ellipsis");
  if (!isOption) labels.set(chosen.dataset.value, chosen.querySelector(".command-suggestion-label").innerText);
  document.querySelectorAll(".command-option-input").forEach(showLabel);
  // A click takes the focus away from what Enter sends.
  const focused = document.activeElement.closest(".command-row") ? document.activeElement : document.querySelector(".command-chip");
  focused.focus();
  if (isFilled(focused)) closeList(focused);
});

function translate(text) {
  const trimmed = text.trim();
  if (Object.hasOwn(TEXTS.exact, trimmed)) return text.replace(trimmed, TEXTS.exact[trimmed]);
  for (const [pattern, replacement] of TEXTS.patterns) {
    const found = new RegExp(`^${pattern}$`).exec(trimmed);
    if (found) return text.replace(trimmed, replacement.replace(/\$(\d)/g, (_, group) => found[group]));
  }
  return text;
}

function walk(root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode() ?? null; node; node = walker.nextNode()) change(node);
}
// Whole texts only, so that what the bot says stays as it is.
function change(node) {
  const name = node.data.startsWith("/") && node.parentElement?.closest(".message-interaction-header, .command-mention") && TEXTS.commands[node.data.slice(1)];
  const option = node.parentElement?.closest(".channel-composer") && !node.parentElement.closest(".command-entity-suggestion, .command-mention") && Object.hasOwn(TEXTS.options, node.data) && TEXTS.options[node.data];
  const wanted = name ? `/${name}` : option || translate(node.data);
  if (wanted !== node.data) node.data = wanted;
}
function label(element) {
  for (const name of ["placeholder", "title", "aria-label"]) {
    const value = element.getAttribute?.(name);
    const wanted = value && translate(value);
    if (wanted && wanted !== value) element.setAttribute(name, wanted);
  }
}
// SimCord's page runs no commands of a message's menu. The stage does: a typed line names the command and the message.
function addMenu(toolbar) {
  for (const [name, shown] of Object.entries(TEXTS.menu)) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.menu = name;
    button.textContent = shown;
    button.addEventListener("click", () => {
      document.querySelector(".command-context-close")?.click();
      send(`/${name} ${toolbar.closest(".channel-message").dataset.messageId}`);
    });
    toolbar.append(button);
  }
}
new MutationObserver((changes) => {
  for (const { target, addedNodes, type } of changes) {
    if (type === "attributes") label(target);
    if (target.nodeType === Node.TEXT_NODE) change(target);
    for (const node of addedNodes) {
      if (node.nodeType === Node.TEXT_NODE) change(node);
      else if (node instanceof Element) {
        walk(node);
        [node, ...node.querySelectorAll("[placeholder], [title], [aria-label]")].forEach(label);
        [node, ...node.querySelectorAll(".message-context-actions")].filter((element) => element.matches(".message-context-actions:not(:has([data-menu]))")).forEach(addMenu);
        node.querySelectorAll(".command-option-input").forEach(showLabel);
      }
    }
  }
}).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ["placeholder", "title"] });
walk(document.body);
document.querySelectorAll(".message-context-actions").forEach(addMenu);
