// While colleagues are offered these keys choose among them: the browser moves neither caret nor focus.
export function keepKeys(input) {
  input.addEventListener("keydown", e => {
    const isOpen = input.getAttribute("aria-expanded") === "true";
    if (isOpen && !e.isComposing && !e.shiftKey && ["ArrowDown", "ArrowUp", "Enter", "Tab", "Escape"].includes(e.key)) e.preventDefault();
  });
}
