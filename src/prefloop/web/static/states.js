// Which of the screen's faces is seen: a comparison, or a word about why there is none.

const el = (id) => document.getElementById(id);

export function state(name, why) {
  for (const each of document.querySelectorAll(".state")) each.hidden = each.id !== `state-${name}`;
  for (const part of ["conversation", "panes", "judge"]) el(part).hidden = name !== "work";
  if (name === "work") return;
  const panel = el(`state-${name}`);
  if (why) panel.querySelector("[data-why]").textContent = why;
  panel.focus?.({ preventScroll: true });
}

// From the key to the next comparison drawn.
export function measure(begun) {
  requestAnimationFrame(() => {
    const drawn = new MessageChannel();
    drawn.port1.onmessage = () => {
      performance.measure("prefloop-next", { start: begun, end: performance.now() });
      drawn.port1.close();
    };
    drawn.port2.postMessage(0);
  });
}
