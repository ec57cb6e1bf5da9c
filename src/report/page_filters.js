// Which samples are shown, in which order; the hash of the address keeps it.

const FILTERS = ["patient", "split", "structure", "finding", "q", "order"];
const PAGE_SAMPLES = 48;
const DEFAULTS = { patient: "", split: "", structure: "", finding: "", q: "", order: "worst" };

/** What is chosen; `sample` is the row of the large view, `at` the row of the current card. */
const state = { ...DEFAULTS, page: 1, sample: null, outline: true };
const element = (id) => document.getElementById(id);
const NO_SPLIT = "no split";

function readHash() {
  const hash = new URLSearchParams(location.hash.slice(1));
  for (const name of FILTERS) state[name] = hash.get(name) ?? DEFAULTS[name];
  state.page = Math.max(1, parseInt(hash.get("page"), 10) || 1);
  state.sample = hash.has("sample") ? Number(hash.get("sample")) : null;
  state.outline = hash.get("outline") !== "0";
}

function writeHash() {
  const hash = new URLSearchParams();
  for (const name of FILTERS) if (state[name] !== DEFAULTS[name]) hash.set(name, state[name]);
  if (state.page > 1) hash.set("page", state.page);
  if (state.sample !== null) hash.set("sample", state.sample);
  if (!state.outline) hash.set("outline", "0");
  const text = hash.toString();
  history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
}

/** Samples that the filters leave, in order. */
function chosen() {
  const patient = state.patient.trim().toLowerCase();
  const isWhole = patient && samples.some((sample) => sample.patient.toLowerCase() === patient);
  const structure = about.structures.indexOf(state.structure);
  const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
  const found = samples.filter((sample) => {
    const id = sample.patient.toLowerCase();
    return (!patient || (isWhole ? id === patient : id.includes(patient))) &&
      (!state.split || (sample.split || NO_SPLIT) === state.split) &&
      (structure < 0 || sample.planes[structure] !== null) &&
      (!state.finding || sample.findings.includes(state.finding) ||
        (state.finding === "*" && sample.findings.length > 0)) &&
      words.every((word) => sample.search.includes(word));
  });
  const size = (sample) => (structure < 0 ? sample.planes : [sample.planes[structure]])
    .reduce((sum, plane) => sum + (plane ? plane[0] : 0), 0);
  const before = {
    worst: (a, b) => Boolean(b.left_out) - Boolean(a.left_out) || b.badness - a.badness,
    file: () => 0,
    smallest: (a, b) => size(a) - size(b),
    largest: (a, b) => size(b) - size(a),
  }[state.order] ?? (() => 0);
  return found.sort((a, b) => before(a, b) || a.row - b.row);
}

function fillSelect(id, all, names) {
  const options = [["", all], ...names.map((name) => (Array.isArray(name) ? name : [name, name]))];
  element(id).replaceChildren(...options.map(([value, text]) => new Option(text, value)));
}

function setUpFilters() {
  const count = new Map();
  for (const sample of samples) {
    for (const name of sample.findings) count.set(name, (count.get(name) ?? 0) + 1);
  }
  const findings = [...count].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  const rank = (name) => ["train", "val", "test"].indexOf(name) >>> 0;
  const splits = [...new Set(samples.map((sample) => sample.split || NO_SPLIT))];
  fillSelect("split", "all", splits.sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1)));
  fillSelect("structure", "any", about.structures.map((name) => [name, `${name} annotated`]));
  fillSelect("finding", "with or without",
    findings.length ? [["*", "any finding"], ...findings.map(([name, number]) => [name, `${name} (${number})`])] : []);
  element("finding").disabled = findings.length === 0;
  offerPatients();
}

// As many as a list of suggestions can show; typing narrows them down.
const PATIENTS_OFFERED = 40;
const patientIds = [...new Set(samples.map((sample) => sample.patient))].sort();

function offerPatients() {
  const typed = element("patient").value.trim().toLowerCase();
  const found = patientIds.filter((id) => id.toLowerCase().includes(typed)).slice(0, PATIENTS_OFFERED);
  element("patients").replaceChildren(...found.map((id) => new Option(id, id)));
}

function showFilters() {
  for (const name of FILTERS) {
    const input = element(name);
    if (input.value !== state[name]) input.value = state[name];
    // A select takes only what it offers.
    if (input.value !== state[name]) state[name] = input.value = DEFAULTS[name];
  }
  element("outline").checked = state.outline;
}
