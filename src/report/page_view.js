// What is on the screen: the grid, the large view, and the keys.

let list = [];
let current = 0;
const grid = element("grid");
const large = element("large");

// Screen pixels up to which a card's picture is enlarged, and above which it is reduced.
const CARD = 264;
const PHONE_CARD = 316;
const cardScale = (() => {
  const side = Math.max(about.rows, about.columns);
  if (about.zoom) return { zoom: about.zoom, reduced: 1 };
  return { zoom: Math.max(1, Math.floor(CARD / side)), reduced: Math.ceil(side / PHONE_CARD) };
})();

// Pictures are drawn when their card comes near the screen.
const watcher = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (isIntersecting) {
      watcher.unobserve(target);
      paint(target, target.sample, cardScale.reduced, state.outline);
    }
  }
}, { rootMargin: "300px" });

function line(text, name) {
  const made = document.createElement("span");
  made.className = name;
  made.textContent = text;
  return made;
}

function pictureOf(sample) {
  const { zoom, reduced } = cardScale;
  const size = [about.columns, about.rows].map((side) => `${Math.ceil(side / reduced) * zoom}px`);
  const made = document.createElement(sample.shades ? "canvas" : "span");
  [made.style.width, made.style.height] = size;
  if (!sample.shades) {
    made.className = "empty";
    made.textContent = "damaged: no picture";
    return made;
  }
  made.width = made.height = 1;
  made.classList.toggle("reduced", reduced > 1);
  made.setAttribute("role", "img");
  made.setAttribute("aria-label", spoken(sample));
  made.sample = sample;
  watcher.observe(made);
  return made;
}

function card(sample, number) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "card";
  button.tabIndex = number === current ? 0 : -1;
  button.dataset.number = number;
  button.dataset.row = sample.row;
  button.setAttribute("aria-label", spoken(sample));
  const shown = pictureOf(sample);
  button.append(shown, line(sample.id, "id"), line(sample.split || NO_SPLIT, "split"));
  about.structures.forEach((name, plane) => {
    if (sample.planes[plane]) button.append(line(`${name} ${area(sample, plane)}`, "area"));
  });
  for (const text of leftOut(sample)) button.append(line(text, "finding"));
  if (sample.findings.length && !sample.left_out) button.append(line(sample.findings.join(", "), "finding"));
  for (const text of button.querySelectorAll("span:not(.empty)")) text.style.width = shown.style.width;
  item.append(button);
  return item;
}

const pages = () => Math.max(1, Math.ceil(list.length / PAGE_SAMPLES));

/** Draws the grid again, for the current state. */
function show() {
  list = chosen();
  state.page = Math.min(state.page, pages());
  const start = (state.page - 1) * PAGE_SAMPLES;
  current = Math.min(Math.max(current, start), Math.max(start, Math.min(start + PAGE_SAMPLES, list.length) - 1));
  watcher.disconnect();
  grid.replaceChildren(...list.slice(start, start + PAGE_SAMPLES).map((sample, at) => card(sample, start + at)));
  const [found, all] = [list.length, samples.length].map(whole.format);
  element("count").textContent = found === all ? `${all} samples` : `${found} of ${all} samples`;
  element("page").textContent = `Page ${state.page} of ${pages()}`;
  element("pages").hidden = pages() === 1;
  element("before").disabled = state.page === 1;
  element("after").disabled = state.page === pages();
  showFilters();
  writeHash();
}

function turnTo(page) {
  state.page = page;
  current = (page - 1) * PAGE_SAMPLES;
  show();
  element("count").scrollIntoView();
}

/** Makes sample `number` of the list the current one; its page is turned to. */
function walkTo(number, focus = true) {
  if (number < 0 || number >= list.length) return;
  current = number;
  const page = Math.floor(number / PAGE_SAMPLES) + 1;
  if (page !== state.page) {
    state.page = page;
    show();
  }
  for (const button of grid.querySelectorAll(".card")) {
    button.tabIndex = Number(button.dataset.number) === number ? 0 : -1;
    if (button.tabIndex === 0 && focus) button.focus();
  }
  if (large.open) showLarge();
}

/** How many cards stand in a row. */
function across() {
  const cards = [...grid.children];
  const top = cards[0]?.offsetTop;
  const next = cards.findIndex((item) => item.offsetTop !== top);
  return next < 0 ? Math.max(1, cards.length) : next;
}

function openLarge(number) {
  if (!list[number]) return;
  current = number;
  if (!large.open) large.showModal();
  showLarge();
}

function showLarge() {
  const sample = list[current];
  state.sample = sample.row;
  writeHash();
  element("large-id").textContent = sample.id;
  element("place").textContent = `${whole.format(current + 1)} of ${whole.format(list.length)}`;
  element("previous").disabled = current === 0;
  element("next").disabled = current === list.length - 1;
  element("toggle").setAttribute("aria-pressed", state.outline);
  const facts = [["Patient", sample.patient], ["Split", sample.split || NO_SPLIT], ["Row", rowOf(sample)]];
  about.structures.forEach((name, plane) => facts.push([name, area(sample, plane)]));
  for (const text of leftOut(sample)) facts.push(["Dashed", text]);
  facts.push(["Findings", sample.findings.join(", ") || "none"]);
  facts.push(["Shades", shadesOf(sample)]);
  element("large-facts").replaceChildren(...facts.map(([name, text]) => {
    const row = document.createElement("div");
    const [term, value] = ["dt", "dd"].map((tag) => document.createElement(tag));
    term.textContent = name;
    value.textContent = text;
    value.classList.toggle("finding", name === "Findings" && sample.findings.length > 0);
    row.append(term, value);
    return row;
  }));
  const canvas = element("large-picture");
  canvas.hidden = !sample.shades;
  canvas.setAttribute("aria-label", spoken(sample));
  fitLarge();
  if (sample.shades) paint(canvas, sample, 1, state.outline);
}

/** The row of the file, for people. */
function rowOf(sample) {
  if (!sample.left_out) return whole.format(sample.row);
  const row = sample.left_out.file_row;
  return row === null ? "not in the file" : `${whole.format(row)}, without what is dashed`;
}

function shadesOf(sample) {
  if (!sample.shades) return "none: image or mask is damaged";
  const [black, white, how] = sample.shades;
  const number = (value) => String(Number(value.toPrecision(6)));
  return `black ${number(black)}, white ${number(white)}: ${how}`;
}

/** The largest whole number by which the picture can be enlarged in its place. */
function fitLarge() {
  const { clientWidth, clientHeight } = large.querySelector(".stage");
  const zoom = Math.max(1, Math.floor(Math.min(clientWidth / about.columns, clientHeight / about.rows)));
  const canvas = element("large-picture");
  canvas.style.width = `${about.columns * zoom}px`;
  canvas.style.height = `${about.rows * zoom}px`;
}

function setOutline(outlined) {
  state.outline = outlined;
  if (large.open) showLarge();
  show();
  if (!large.open) focusCurrent();
}

function focusCurrent() {
  const button = grid.querySelector(`.card[data-number="${current}"]`);
  if (button && document.activeElement === document.body) button.focus({ preventScroll: true });
}

/** What a key does; true where it does something. */
function press(key) {
  const inLarge = large.open;
  const step = { ArrowRight: 1, j: 1, ArrowLeft: -1, k: -1 }[key];
  const rowStep = { ArrowDown: 1, ArrowUp: -1 }[key];
  if (step) {
    const isOnCard = inLarge || document.activeElement.classList.contains("card");
    walkTo(isOnCard ? current + step : current, !inLarge);
  } else if (rowStep && !inLarge && document.activeElement.classList.contains("card")) {
    walkTo(current + rowStep * across());
  } else if (key === "o") {
    setOutline(!state.outline);
  } else if (key === "?" && !element("help").open) {
    element("help").showModal();
  } else if (key === "/" && !inLarge) {
    element("q").focus();
  } else {
    return false;
  }
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || element("help").open) return;
  const isTyping = event.target.matches("input[type=search], select");
  if (isTyping) {
    if (event.key === "Escape") event.target.blur();
  } else if (press(event.key)) {
    event.preventDefault();
  }
});

for (const name of FILTERS) {
  element(name).addEventListener("input", () => {
    state[name] = element(name).value;
    state.page = 1;
    current = 0;
    if (name === "patient") offerPatients();
    show();
  });
}
element("filters").addEventListener("submit", (event) => event.preventDefault());
element("outline").addEventListener("change", (event) => setOutline(event.target.checked));
element("reset").addEventListener("click", () => {
  Object.assign(state, DEFAULTS, { page: 1 });
  current = 0;
  show();
  offerPatients();
});
element("keys").addEventListener("click", () => element("help").showModal());
element("before").addEventListener("click", () => turnTo(state.page - 1));
element("after").addEventListener("click", () => turnTo(state.page + 1));
element("previous").addEventListener("click", () => walkTo(current - 1, false));
element("next").addEventListener("click", () => walkTo(current + 1, false));
element("toggle").addEventListener("click", () => setOutline(!state.outline));
element("close").addEventListener("click", () => large.close());
large.addEventListener("close", () => {
  state.sample = null;
  writeHash();
  grid.querySelector(`.card[data-number="${current}"]`)?.focus();
});
grid.addEventListener("click", (event) => {
  const button = event.target.closest(".card");
  if (button) openLarge(Number(button.dataset.number));
});
grid.addEventListener("focusin", (event) => {
  const button = event.target.closest(".card");
  if (button) walkTo(Number(button.dataset.number), false);
});
addEventListener("resize", () => large.open && fitLarge());

/** Shows what the hash says. */
function start() {
  readHash();
  const wanted = state.sample;
  list = chosen();
  const number = list.findIndex((sample) => sample.row === wanted);
  if (number >= 0) {
    current = number;
    state.page = Math.floor(number / PAGE_SAMPLES) + 1;
  } else if (large.open) {
    large.close();
  }
  state.sample = number >= 0 ? wanted : null;
  show();
  if (number >= 0) openLarge(number);
}

function setUpLegend() {
  element("legend").replaceChildren(...about.structures.map((name, plane) => {
    const swatch = document.createElement("canvas");
    swatch.style.background = colourOf(plane);
    const made = document.createElement("span");
    made.append(swatch, name);
    return made;
  }));
}

element("statement").textContent = element("shown").textContent;
element("filters").hidden = false;
setUpLegend();
setUpFilters();
addEventListener("hashchange", start);
start();
