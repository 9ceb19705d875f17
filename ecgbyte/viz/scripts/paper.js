"use strict";
// Where the leads lie on ECG paper; the same rules as ecgbyte/viz/paper.py. All lengths in mm.

const MM_PER_SECOND = 25;
const MM_PER_MV = 10;
const WINDOW_SECONDS = 10;
const LEFT_MM = 15;
const RIGHT_MM = 5;
const LABEL_MM = 4;
const ROOM_MM = 1.5;
const PULSE_MM = 10;
const TICK_MM = 5; // the ticks between two leads reach so far above and below the zero line
const LABEL_SECONDS = 0.45;
const RHYTHM_LABEL_SECONDS = 1.1;
const RHYTHM_LEAD = "II";

const COLUMNS = {
  "3x4": [["I", "aVR", "V1", "V4"], ["II", "aVL", "V2", "V5"], ["III", "aVF", "V3", "V6"]],
  "6x2": [["I", "V1"], ["II", "V2"], ["III", "V3"], ["aVR", "V4"], ["aVL", "V5"], ["aVF", "V6"]],
};

// One past the last sample of the window of the record that begins at sample `first`.
function windowEnd(record, first) {
  return Math.min(record.samples, first + Math.floor(WINDOW_SECONDS * record.rate + 0.5));
}

function plannedRows(names, layout, first, stop) {
  const panel = (lead, start, end, columnStart, rhythm) => ({ lead, start, stop: end, columnStart, rhythm });
  if (!(layout in COLUMNS)) return names.map((_, lead) => [panel(lead, first, stop, first, false)]);
  const quarters = [0, 1, 2, 3, 4].map((k) => first + Math.floor(((stop - first) * k) / 4));
  const rows = [];
  for (const row of COLUMNS[layout]) {
    const panels = row
      .map((name, k) => panel(names.indexOf(name), quarters[k], quarters[k + 1], first, false))
      .filter((one) => one.lead >= 0 && one.start < one.stop);
    if (panels.length) rows.push(panels);
  }
  const rhythm = Math.max(0, names.indexOf(RHYTHM_LEAD));
  const borders = layout === "3x4" ? [first, stop] : [first, quarters[2], stop];
  for (let k = 0; k + 1 < borders.length; k++) {
    if (borders[k] < borders[k + 1]) rows.push([panel(rhythm, borders[k], borders[k + 1], borders[k], true)]);
  }
  return rows;
}

// record: samples, rate, leads (names) and traces (mV of each lead).
function layOut(record, layout, first) {
  const largest = (values) => values.reduce((one, other) => Math.max(one, other), -Infinity);
  const smallest = (values) => values.reduce((one, other) => Math.min(one, other), Infinity);
  const labelSamples = (rhythm) => Math.max(1, Math.floor((rhythm ? RHYTHM_LABEL_SECONDS : LABEL_SECONDS) * record.rate));
  let upper = 0;
  let right = 0;
  const rows = plannedRows(record.leads, layout, first, windowEnd(record, first)).map((planned) => {
    let top = PULSE_MM + ROOM_MM;
    let bottom = -TICK_MM - 0.5;
    const panels = planned.map(({ lead, start, stop, columnStart, rhythm }) => {
      const trace = record.traces[lead].subarray(start, stop);
      const label = Math.max(0, largest(trace.subarray(0, labelSamples(rhythm))) * MM_PER_MV) + ROOM_MM;
      const left = LEFT_MM + ((start - columnStart) / record.rate) * MM_PER_SECOND;
      top = Math.max(top, largest(trace) * MM_PER_MV + ROOM_MM, label + LABEL_MM);
      bottom = Math.min(bottom, smallest(trace) * MM_PER_MV - ROOM_MM);
      right = Math.max(right, left + ((stop - start) / record.rate) * MM_PER_SECOND);
      return { lead, start, stop, left, label, rhythm };
    });
    const zero = Math.ceil((upper + top) / 5) * 5;
    upper = zero - bottom;
    return { panels, top: zero - top, zero, bottom: zero - bottom };
  });
  return {
    rows,
    width: Math.ceil((right + RIGHT_MM) / 5) * 5,
    height: Math.ceil((upper + ROOM_MM) / 5) * 5,
  };
}

function xOf(panel, record, sample) {
  return panel.left + ((sample - panel.start) / record.rate) * MM_PER_SECOND;
}

// The stretches of the paper that a run of symbols of the record covers: row, panel, first sample and one past the last.
function stretchesOn(paper, record, from, to) {
  const found = [];
  for (const row of paper.rows) {
    for (const panel of row.panels) {
      const offset = panel.lead * record.samples;
      const start = Math.max(panel.start, from - offset);
      const stop = Math.min(panel.stop, to - offset);
      if (start < stop) found.push({ row, panel, start, stop });
    }
  }
  return found;
}
