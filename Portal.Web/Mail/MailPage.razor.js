// Keys of My mail. They never act while somebody types, nor beside Ctrl, Alt or a dialog.
export function listen(root) {
  const actions = { c: "compose", r: "reply", a: "reply-all", f: "forward", Delete: "delete" };
  const step = by => {
    const links = [...root.querySelectorAll(".mail-link")];
    if (links.length === 0) return false;
    const focused = links.findIndex(l => l.closest(".mail-row").contains(document.activeElement));
    const at = focused >= 0 ? focused : links.findIndex(l => l.getAttribute("aria-current") === "true");
    const to = links[Math.min(links.length - 1, Math.max(0, at < 0 ? 0 : at + by))];
    to.focus();
    to.click();
    return true;
  };
  const onKey = e => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing || e.target.closest?.("input:not([type=checkbox]),textarea,select,[contenteditable]")) return;
    if (document.querySelector(".mud-dialog,.mud-popover-open")) return;
    if (e.key.length === 1 && e.key !== " " && !window.portal.singleKeys()) return;
    // The arrows belong to the list, not to what is read beside it.
    const row = document.activeElement?.closest?.(".mail-row");
    const box = row?.querySelector("input[type=checkbox]");
    let done = false;
    if (e.key === "j" || (e.key === "ArrowDown" && row)) done = step(1);
    else if (e.key === "k" || (e.key === "ArrowUp" && row)) done = step(-1);
    else if (e.key === " ") {
      if (box && !e.target.matches("input,button")) { box.click(); done = true; }
    }
    else if (actions[e.key]) {
      const button = document.querySelector(`[data-mail="${actions[e.key]}"]`);
      if (button) { button.click(); done = true; }
    }
    if (done) { e.preventDefault(); e.stopImmediatePropagation(); }
  };
  document.addEventListener("keydown", onKey, true);
  root.dataset.keys = "on";
  return { stop: () => document.removeEventListener("keydown", onKey, true) };
}
