"use strict";
// What the reader does: controls, pointer and keyboard.

function setMerges(merges) {
  state.merges = merges;
  byId("merges-number").value = String(merges);
  let stop = sliderStops.findIndex((candidate) => candidate >= merges);
  if (stop > 0 && sliderStops[stop] - merges > merges - sliderStops[stop - 1]) stop--;
  byId("merges").value = String(stop);
  byId("merges").setAttribute("aria-valuetext", `${merges} merges`);
  showTokens();
}

// A record longer than the paper is shown window by window.
function fillWindows() {
  const record = shown();
  const length = windowEnd(record, 0);
  const options = [];
  for (let first = 0; first < record.samples; first += length) {
    const seconds = (sample) => Number((sample / record.rate).toFixed(2));
    options.push(element("option", { value: first }, `${seconds(first)} to ${seconds(windowEnd(record, first))} s`));
  }
  byId("window").replaceChildren(...options);
  byId("window-control").hidden = options.length < 2;
}

// Something worth looking at first: of the tokens in the rhythm lead that do not stand still, the most frequent one.
function strikingSymbol(record) {
  const lead = Math.max(0, record.leads.indexOf(RHYTHM_LEAD));
  const counts = countTokens([encoding], tokenizer.alphabet + state.merges);
  const offset = lead * record.samples;
  const stop = offset + windowEnd(record, 0);
  let best = offset;
  let most = 0;
  for (let token = tokenAt(encoding, offset); token < encoding.ids.length && encoding.starts[token] < stop; token++) {
    const id = encoding.ids[token];
    if (shapeById[id] > FLAT && counts[id] > most) {
      most = counts[id];
      best = Math.max(offset, encoding.starts[token]);
    }
  }
  return best;
}

function turnTo(index) {
  state.record = index;
  state.first = 0;
  state.pointed = null;
  encoding = cut(shown());
  if (state.chosen.symbol !== null) state.chosen = { symbol: strikingSymbol(shown()), id: null, row: null };
  fillWindows();
  showRecord();
}

// From the token at hand to its neighbour on the paper.
function move(key) {
  const record = shown();
  const { symbol } = state.chosen;
  if (symbol === null) {
    const { lead, start } = paper.rows[0].panels[0];
    choose(lead * record.samples + start, null, 0);
    return;
  }
  const token = tokenAt(encoding, symbol);
  const { row, panel } = whereOnPaper(record, symbol);
  const offset = panel.lead * record.samples;
  const within = (target) => Math.min(offset + panel.stop - 1, Math.max(offset + panel.start, target));
  if (key === "ArrowRight") choose(within(encoding.starts[token + 1]), null, row);
  else if (key === "ArrowLeft") choose(within(encoding.starts[token] - 1), null, row);
  else if (key === "Home") choose(offset + panel.start, null, row);
  else if (key === "End") choose(offset + panel.stop - 1, null, row);
  else {
    const other = row + (key === "ArrowDown" ? 1 : -1);
    if (other in paper.rows) choose(symbolBelow(record, panel, symbol - offset, paper.rows[other].panels), null, other);
  }
}

// The row and panel of a symbol: the row that was kept, where it holds it, else the first that does.
function whereOnPaper(record, symbol) {
  const rows = [state.chosen.row, ...paper.rows.keys()].filter((row) => row in paper.rows);
  for (const row of rows) {
    const panel = paper.rows[row].panels.find((some) => inPanel(record, some, symbol));
    if (panel) return { row, panel };
  }
  return { row: 0, panel: paper.rows[0].panels[0] };
}

function inPanel(record, panel, symbol) {
  const sample = symbol - panel.lead * record.samples;
  return sample >= panel.start && sample < panel.stop;
}

// The symbol of another row at the same distance from the left edge, or the nearest.
function symbolBelow(record, panel, sample, panels) {
  const x = xOf(panel, record, sample);
  const target = [...panels].reverse().find((other) => other.left <= x + 1e-6) ?? panels[0];
  const wanted = target.start + Math.round(((x - target.left) / MM_PER_SECOND) * record.rate);
  return target.lead * record.samples + Math.min(target.stop - 1, Math.max(target.start, wanted));
}

function listenToControls() {
  byId("record").addEventListener("change", (event) => turnTo(Number(event.target.value)));
  byId("merges").addEventListener("input", (event) => setMerges(sliderStops[Number(event.target.value)]));
  byId("merges-number").addEventListener("change", (event) => {
    const wanted = Math.round(Number(event.target.value)) || 0;
    setMerges(Math.min(tokenizer.numMerges, Math.max(0, wanted)));
  });
  byId("matching").addEventListener("change", (event) => {
    state.matching = event.target.value;
    showTokens();
  });
  byId("layout").addEventListener("change", (event) => {
    state.layout = event.target.value;
    showRecord();
  });
  byId("window").addEventListener("change", (event) => {
    state.first = Number(event.target.value);
    showRecord();
  });
  byId("decoded").addEventListener("change", (event) => {
    state.decoded = event.target.checked;
    showTokens();
  });
  for (const id of ["order", "only-shape"]) {
    byId(id).addEventListener("change", () => {
      state.tiles = TILES_AT_ONCE;
      showVocabulary();
    });
  }
  byId("more-tiles").addEventListener("click", () => {
    state.tiles += TILES_AT_ONCE;
    showVocabulary();
  });
}

function listenToPaper() {
  const svg = byId("ecg");
  const under = (event) => symbolUnder(svg, shown(), paper, event.clientX, event.clientY);
  svg.addEventListener("pointermove", (event) => {
    if (event.pointerType === "touch") return;
    const symbol = under(event);
    const before = state.pointed && tokenAt(encoding, state.pointed.symbol);
    state.pointed = symbol === null ? null : { symbol, id: null };
    if (symbol === null ? before !== null : before !== tokenAt(encoding, symbol)) showSelection();
  });
  svg.addEventListener("pointerleave", () => {
    if (state.pointed === null) return;
    state.pointed = null;
    showSelection();
  });
  svg.addEventListener("click", (event) => choose(under(event), null));
  svg.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Escape") choose(null, null);
    else if (["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"].includes(event.key)) {
      event.preventDefault();
      move(event.key);
    }
  });
}

function start() {
  byId("record").append(...records.map((record, k) => element("option", { value: k }, record.id)));
  byId("record-control").hidden = records.length < 2;
  byId("only-shape").append(...shapes.map((shape, k) => element("option", { value: k }, shape.name)));
  byId("merges").max = String(sliderStops.length - 1);
  byId("merges-number").max = String(tokenizer.numMerges);
  byId("all-merges").textContent = `of ${wholeNumber(tokenizer.numMerges)}`;
  byId("matching").value = state.matching;
  byId("layout").value = state.layout;
  fillMeasuresTable(byId("measures-rows"), content.measures);
  byId("more-controls").open = window.innerWidth >= 640;
  fillWindows();
  encoding = cut(shown());
  if (state.chosen.id === null) state.chosen.symbol = strikingSymbol(shown());
  paper = layOut(shown(), state.layout, state.first);
  listenToControls();
  listenToPaper();
  showRecord();
  setMerges(state.merges);
}

start();
