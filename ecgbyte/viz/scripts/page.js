"use strict";
// The page: what is shown, what the reader chose, and which parts to draw anew when either changes.

const byId = (id) => document.getElementById(id);
const content = JSON.parse(byId("content").textContent);
const tokenizer = makeTokenizer(content.tokenizer);
const shapes = content.shapes;
const shapeById = tokenizer.strings.map(shapeOf);
shapeById.fill(ONE_SAMPLE, 0, tokenizer.alphabet);
const records = content.records.map((record) => ({
  ...record,
  symbols: unpackBytes(record.symbols),
  traces: unpackTrace(record.trace, record.leads.length, record.samples, record.trace_step),
}));
const sliderStops = makeSliderStops(tokenizer.numMerges);

// chosen and pointed: a symbol of the record, whose token it is; or, from the vocabulary, an id alone. A lead can be on the
// paper twice, so the keyboard also keeps the row.
const state = {
  record: 0,
  first: 0,
  layout: window.innerWidth < 640 ? "6x2" : "3x4",
  merges: content.start.merges,
  matching: content.tokenizer.matching,
  decoded: false,
  chosen: { symbol: null, id: content.start.token, row: null },
  pointed: null,
  tiles: TILES_AT_ONCE,
  cardOpen: window.innerWidth >= 1100,
};
let encoding; // of the record that is shown
let paper;
let pageCounts = null; // of each id over all records; null while they wait to be counted
let waiting = null;

// Every number up to 20, then steps of about 5 %, so that the first merges can be met with a slider.
function makeSliderStops(most) {
  const stops = [];
  for (let stop = 0; stop < most; stop = Math.max(stop + 1, Math.round(stop * 1.05))) stops.push(stop);
  return [...stops, most];
}

function shown() {
  return records[state.record];
}

function cut(record) {
  return encodeRecord(tokenizer, record, content.tokenizer.boundary, state.matching, state.merges);
}

// What the pointer is on, or else what was chosen: an id (or null) and its place in the record (or null).
function selection() {
  const { symbol, id } = state.pointed ?? state.chosen;
  if (symbol === null) return { id, place: null };
  const place = tokenAt(encoding, symbol);
  return { id: encoding.ids[place], place };
}

function showRecord() {
  const record = shown();
  paper = layOut(record, state.layout, state.first);
  drawPaper(byId("ecg"), record, paper);
  byId("ecg").setAttribute(
    "aria-label",
    `ECG ${record.id} on paper, each token a stretch of colour. The arrow keys go from token to token.`,
  );
  byId("filters").textContent = record.filters;
  const clipped = record.clipped.reduce((sum, [, start, stop]) => sum + stop - start, 0);
  const share = percentText(clipped / record.symbols.length);
  byId("clipped-note").hidden = clipped === 0;
  byId("clipped-text").textContent =
    `outside the tokenizer's range of ${millivolts(record.low)} to ${millivolts(record.high)} mV, so cut off: ` +
    `${wholeNumber(clipped)} samples (${share})`;
  showTokens();
}

function showTokens() {
  const record = shown();
  encoding = cut(record);
  const decoded = (symbol) => binMiddle(record, tokenizer.alphabet, symbol);
  drawTraces(byId("ecg"), record, encoding, paper, shapeById, shapes, state.decoded ? decoded : null);
  byId("token-count").textContent = wholeNumber(encoding.ids.length);
  byId("sample-count").textContent = wholeNumber(record.symbols.length);
  const perToken = record.symbols.length / encoding.ids.length;
  byId("per-token").textContent = `${perToken.toFixed(1)} samples or ${((1000 * perToken) / record.rate).toFixed(0)} ms`;
  fillLegend(byId("legend"), shapes, shapeShares(tokenizer, countTokens([encoding], tokenizer.strings.length), shapeById, shapes.length));
  showSelection();
  pageCounts = null;
  clearTimeout(waiting);
  waiting = setTimeout(showWholePage, 100);
}

// What takes all records of the page: done when the slider rests.
function showWholePage() {
  pageCounts = countTokens(records.map((record) => (record === shown() ? encoding : cut(record))), tokenizer.alphabet + state.merges);
  showVocabulary();
  fillMeasures(byId("charts"), content.measures, measuresNow(tokenizer, records, pageCounts, state.merges));
  showSelection();
}

function cardFacts() {
  const numRecords = records.length;
  const { merges: numMerges, matching } = state;
  const opened = (open) => {
    state.cardOpen = open;
  };
  const card = { open: state.cardOpen, opened, numRecords };
  return { tokenizer, record: shown(), encoding, numMerges, matching, shapes, shapeById, pageCounts, ...card };
}

function showSelection() {
  const { id, place } = selection();
  const known = id !== null && id < tokenizer.alphabet + state.merges;
  drawOccurrences(byId("ecg"), shown(), encoding, paper, known ? id : null, place);
  for (const button of byId("tiles").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(Number(button.dataset.token) === id));
  }
  if (!known) {
    const words =
      id === null
        ? "Point at the trace or tap it to see a token here; with the keyboard, go to the ECG and use the arrow keys."
        : `Token ${id} is not there yet: it is made by merge ${id - tokenizer.alphabet + 1}.`;
    byId("card").replaceChildren(element("p", {}, words));
    return;
  }
  const onPaper = byId("ecg").querySelectorAll(".occurrence").length;
  fillCard(byId("card"), { ...cardFacts(), id, place, onPaper }, choose);
}

function showVocabulary() {
  if (pageCounts === null) return; // it comes when they are counted
  const shares = shapeShares(tokenizer, pageCounts, shapeById, shapes.length);
  fillShareBar(byId("share-bar"), shapes, shares);
  const many = records.length > 1 ? `the ${records.length} ECGs of this page` : "this ECG";
  byId("vocabulary-summary").textContent =
    `${wholeNumber(usedTokens(pageCounts))} of ${wholeNumber(pageCounts.length)} tokens occur in ${many}. ` +
    `${percentText(shares[FLAT])} of the samples lie in runs: tokens of one letter, where the signal stands still.`;
  const ids = orderedTokens(tokenizer, pageCounts, shapeById, byId("order").value, byId("only-shape").value);
  byId("tiles").replaceChildren(...ids.slice(0, state.tiles).map((id) => tile(cardFacts(), id, pageCounts, choose)));
  byId("more-tiles").hidden = ids.length <= state.tiles;
  byId("tiles-shown").textContent = `${wholeNumber(Math.min(ids.length, state.tiles))} of ${wholeNumber(ids.length)} shown`;
}

// Choose a symbol of the record that is shown, or a token by its id; both null for none.
function choose(symbol, id, row = null) {
  state.chosen = { symbol, id, row };
  state.pointed = null;
  if (symbol !== null && !stretchesOn(paper, shown(), symbol, symbol + 1).length) showSymbol(symbol);
  showSelection();
  speak();
  byId("ecg").querySelector(".current")?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

// Turn to a window or a layout in which a symbol can be seen.
function showSymbol(symbol) {
  const record = shown();
  const sample = symbol % record.samples;
  const length = windowEnd(record, 0);
  state.first = Math.floor(sample / length) * length;
  byId("window").value = String(state.first);
  if (!stretchesOn(layOut(record, state.layout, state.first), record, symbol, symbol + 1).length) {
    state.layout = "12x1";
    byId("layout").value = state.layout;
  }
  showRecord();
}

function speak() {
  const { id, place } = selection();
  const here = place === null ? "" : ` ${hereText(shown(), encoding, place)}`;
  byId("spoken").textContent = id === null ? "No token chosen." : `Token ${id}, ${shapes[shapeById[id]].name}.${here}`;
}
