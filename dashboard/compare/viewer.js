/* One opacity and one divider for all heatmaps of the page: CSS variables, so that nothing is sent. */
const look = (window.campareLook ??= { opacity: null, told: null, split: 100 });

function apply() {
  const root = document.documentElement.style, a = look.opacity;
  root.setProperty("--fade", Math.min(1, 1.5 * a));
  root.setProperty("--full", a * a);
  root.setProperty("--veil", a / (1 + a));
  root.setProperty("--split", `${look.split}%`);
  root.setProperty("--divider", look.split > 0 && look.split < 100 ? 1 : 0);
  for (const viewer of document.querySelectorAll(".viewer")) {
    const opacity = viewer.querySelector(".opacity"), split = viewer.querySelector(".split");
    opacity.value = a;
    opacity.setAttribute("aria-valuetext", a.toFixed(2));
    opacity.previousElementSibling.textContent = a.toFixed(2);
    split.value = look.split;
    split.setAttribute("aria-valuetext", `${look.split} %`);
    split.previousElementSibling.textContent = `${look.split} %`;
  }
}

function write_address() {
  const address = new URL(location.href);
  address.searchParams.set("opacity", String(Number(look.opacity.toFixed(2))));
  history.replaceState(history.state, "", address);
}

function splitAt(figure, event) {
  const box = figure.getBoundingClientRect();
  look.split = Math.round(Math.max(0, Math.min(100, (100 * (event.clientX - box.left)) / box.width)));
  apply();
}

function enlarge(figure) {
  const all = [...document.querySelectorAll("button.layers")];
  let at = all.indexOf(figure);
  const box = document.createElement("dialog");
  box.className = "enlarged";
  const draw = () => {
    const title = all[at].querySelector("img[alt]:not([alt=''])").alt;
    box.setAttribute("aria-label", title);
    const head = document.createElement("p");
    head.textContent = title;
    const copy = document.createElement("div");
    copy.className = all[at].className;
    copy.style.cssText = all[at].style.cssText;
    copy.innerHTML = all[at].innerHTML;
    const controls = document.createElement("div");
    for (const [name, step] of [["Previous", -1], ["Next", 1], ["Close", 0]]) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = name;
      button.onclick = () => (step ? turn(step) : box.close());
      controls.append(button);
    }
    box.replaceChildren(head, copy, controls);
  };
  const turn = (step) => { at = (at + step + all.length) % all.length; draw(); };
  box.onkeydown = (event) => {
    if (event.key === "ArrowLeft") turn(-1);
    if (event.key === "ArrowRight") turn(1);
    event.stopPropagation();
  };
  box.onclick = (event) => { if (event.target === box) box.close(); };
  box.onclose = () => { box.remove(); figure.focus(); };
  draw();
  (document.querySelector("[data-testid=stApp]") ?? document.body).append(box);
  box.showModal();
  box.lastElementChild.lastElementChild.focus();
}

/* While the page is drawn anew, the server may have an image's file for a moment no more: ask again. */
const asked = new WeakMap();
function askAgain(image) {
  const times = (asked.get(image) ?? 0) + 1;
  if (times > 7 || !image.src?.includes("/media/")) return;
  asked.set(image, times);
  setTimeout(() => { if (image.isConnected) image.src = image.src; }, 100 * 2 ** times);
}

function listen() {
  if (window.campareLookListens) return;
  window.campareLookListens = true;
  document.addEventListener("error", (event) => {
    if (event.target instanceof HTMLImageElement) askAgain(event.target);
  }, true);
  for (const image of document.images) if (image.complete && !image.naturalWidth) askAgain(image);
  let held = null, from = 0, dragged = false;
  const layers = (event) => event.target.closest?.(".layers.mapped");
  document.addEventListener("pointerdown", (event) => {
    held = layers(event); from = event.clientX; dragged = false;
  });
  document.addEventListener("pointermove", (event) => {
    if (!held || !event.buttons) return;
    if (Math.abs(event.clientX - from) > 6) dragged = true;
    if (dragged) splitAt(held, event);
  });
  for (const end of ["pointerup", "pointercancel"])
    document.addEventListener(end, () => { held = null; });
  document.addEventListener("click", (event) => {
    const figure = event.target.closest?.("button.layers");
    if (figure && !dragged) enlarge(figure);
    dragged = false;
  });
  document.addEventListener("dragstart", (event) => { if (layers(event)) event.preventDefault(); });
}

export default function ({ parentElement, data, setStateValue }) {
  if (look.told !== data.opacity || look.opacity === null) look.opacity = data.opacity;
  look.told = data.opacity;
  const viewer = parentElement.querySelector(".viewer");
  const opacity = viewer.querySelector(".opacity"), split = viewer.querySelector(".split");
  opacity.disabled = data.view !== "overlay";
  opacity.oninput = () => { look.opacity = Number(opacity.value); apply(); write_address(); };
  split.oninput = () => { look.split = Number(split.value); apply(); };
  /* what is saved or linked later is drawn with it: told once, when the control is left */
  const tell = () => {
    if (look.opacity === look.told) return;
    look.told = look.opacity;
    setStateValue("opacity", look.opacity);
  };
  opacity.onblur = tell;
  viewer.onpointerleave = (event) => { if (!event.buttons) tell(); };
  listen();
  apply();
}
