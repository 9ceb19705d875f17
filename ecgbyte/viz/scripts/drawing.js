"use strict";
// Draws the paper as SVG, one unit a mm. What belongs to a token is found by place, so no token has an element of its own.

// A mark behind a token is at least so wide, and reaches so far above and below.
const LEAST_MARK_MM = 1;
const MARK_ROOM_MM = 2.2;

function coordinates(x, y) {
  return `${x.toFixed(2)} ${y.toFixed(2)}`;
}

// A line through the samples from start to the one before stop.
function linePath(record, row, panel, start, stop, valueAt) {
  let path = "";
  for (let i = start; i < stop; i++) {
    path += (i === start ? "M" : "L") + coordinates(xOf(panel, record, i), row.zero - MM_PER_MV * valueAt(i));
  }
  return path;
}

function drawPaper(svg, record, paper) {
  svg.setAttribute("viewBox", `0 0 ${paper.width} ${paper.height}`);
  svg.style.setProperty("--width-mm", paper.width);
  const squares = (id, size, kind) =>
    svgElement(
      "pattern",
      { id, width: size, height: size, patternUnits: "userSpaceOnUse" },
      svgElement("path", { d: `M${size} 0H0V${size}`, class: kind }),
    );
  const sheet = (fill) => svgElement("rect", { width: paper.width, height: paper.height, fill });
  const rows = paper.rows.map((row) => drawRow(record, row));
  svg.replaceChildren(
    svgElement("defs", {}, squares("small-squares", 1, "small-square"), squares("large-squares", 5, "large-square")),
    sheet("var(--paper)"),
    sheet("url(#small-squares)"),
    sheet("url(#large-squares)"),
    svgElement("g", { class: "occurrences" }),
    ...rows,
  );
}

// Calibration pulse, names of leads, ticks between leads; the traces come later.
function drawRow(record, row) {
  const { zero } = row;
  const group = svgElement("g", { class: "row" });
  const pulse = `M${LEFT_MM - 12.5} ${zero}h2.5v${-PULSE_MM}h5v${PULSE_MM}h2.5`;
  group.append(svgElement("path", { d: pulse, class: "pulse" }));
  row.panels.forEach((panel, k) => {
    if (k) {
      const tick = `M${panel.left.toFixed(2)} ${zero - TICK_MM}v3M${panel.left.toFixed(2)} ${zero + TICK_MM}v-3`;
      group.append(svgElement("path", { d: tick, class: "tick" }));
    }
    const seconds = (sample) => `${Number((sample / record.rate).toFixed(2))}`;
    const name = record.leads[panel.lead] + (panel.rhythm ? ` (${seconds(panel.start)} to ${seconds(panel.stop)} s)` : "");
    group.append(svgElement("text", { x: panel.left + 1.2, y: zero - panel.label, class: "lead-name" }, name));
  });
  group.append(svgElement("g", { class: "traces" }));
  return group;
}

function drawTraces(svg, record, encoding, paper, shapeById, shapes, decodedValue) {
  const groups = svg.querySelectorAll("g.traces");
  paper.rows.forEach((row, k) => {
    const traces = svgElement("g", { class: decodedValue ? "coloured faded" : "coloured" });
    groups[k].replaceChildren(traces);
    for (const panel of row.panels) {
      for (const [colour, path] of tokenPaths(record, encoding, row, panel, shapeById, shapes)) {
        traces.append(svgElement("path", { d: path, stroke: colour }));
      }
      if (decodedValue) {
        const value = (i) => decodedValue(record.symbols[panel.lead * record.samples + i]);
        const path = linePath(record, row, panel, panel.start, panel.stop, value);
        groups[k].append(svgElement("path", { d: path, class: "decoded" }));
      }
      drawClipped(groups[k], record, row, panel);
    }
  });
}

// One path a colour. The line from a sample to the next belongs to the token of the first.
function tokenPaths(record, encoding, row, panel, shapeById, shapes) {
  const paths = new Map();
  const trace = record.traces[panel.lead];
  const offset = panel.lead * record.samples;
  let token = tokenAt(encoding, offset + panel.start);
  for (; token < encoding.ids.length && encoding.starts[token] < offset + panel.stop; token++) {
    const start = Math.max(panel.start, encoding.starts[token] - offset);
    const stop = Math.min(panel.stop, encoding.starts[token + 1] - offset + 1);
    const shape = shapes[shapeById[encoding.ids[token]]];
    const colour = token % 2 ? shape.light : shape.dark;
    paths.set(colour, (paths.get(colour) || "") + linePath(record, row, panel, start, stop, (i) => trace[i]));
  }
  return paths;
}

// What the range cuts off, in red, and a dashed line where the range ends.
function drawClipped(group, record, row, panel) {
  const trace = record.traces[panel.lead];
  const limits = new Set();
  let path = "";
  for (const [lead, from, to] of record.clipped) {
    if (lead !== panel.lead || to <= panel.start || from >= panel.stop) continue;
    const start = Math.max(from, panel.start);
    const stop = Math.min(to, panel.stop);
    const limit = trace[start] > record.low ? record.high : record.low;
    limits.add(limit);
    // From where the line to the first sample leaves the range, to where that from the last comes back.
    const crossing = (inside, outside) => {
      const share = (limit - trace[inside]) / (trace[outside] - trace[inside]);
      const moved = inside + (outside - inside) * Math.min(1, Math.max(0, share));
      return coordinates(xOf(panel, record, moved), row.zero - MM_PER_MV * limit);
    };
    const points = linePath(record, row, panel, start, stop, (i) => trace[i]);
    path += start > panel.start && start === from ? `M${crossing(start - 1, start)}L${points.slice(1)}` : points;
    if (stop < panel.stop && stop === to) path += `L${crossing(stop, stop - 1)}`;
  }
  if (!path) return;
  for (const limit of limits) {
    const left = xOf(panel, record, panel.start);
    const right = xOf(panel, record, panel.stop);
    const y = (row.zero - MM_PER_MV * limit).toFixed(2);
    group.append(svgElement("path", { d: `M${left.toFixed(2)} ${y}H${right.toFixed(2)}`, class: "limit" }));
  }
  group.append(svgElement("path", { d: path, class: "clipped" }));
}

// Marks each place on the paper where token `id` stands; `current` is the place in the record of the one that was chosen.
function drawOccurrences(svg, record, encoding, paper, id, current) {
  const marks = [];
  for (let token = 0; id !== null && token < encoding.ids.length; token++) {
    if (encoding.ids[token] !== id) continue;
    for (const stretch of stretchesOn(paper, record, encoding.starts[token], encoding.starts[token + 1])) {
      marks.push(mark(record, stretch, token === current));
    }
  }
  svg.querySelector("g.occurrences").replaceChildren(...marks);
}

function mark(record, { row, panel, start, stop }, current) {
  const trace = record.traces[panel.lead];
  let highest = -Infinity;
  let lowest = Infinity;
  for (let i = start; i <= Math.min(stop, panel.stop - 1); i++) {
    highest = Math.max(highest, trace[i]);
    lowest = Math.min(lowest, trace[i]);
  }
  const middle = (xOf(panel, record, start) + xOf(panel, record, stop)) / 2;
  const width = Math.max(LEAST_MARK_MM, xOf(panel, record, stop) - xOf(panel, record, start));
  return svgElement("rect", {
    x: (middle - width / 2).toFixed(2),
    y: (row.zero - MM_PER_MV * highest - MARK_ROOM_MM).toFixed(2),
    width: width.toFixed(2),
    height: (MM_PER_MV * (highest - lowest) + 2 * MARK_ROOM_MM).toFixed(2),
    class: current ? "occurrence current" : "occurrence",
  });
}

// The symbol of the record under a point of the screen, or null.
function symbolUnder(svg, record, paper, clientX, clientY) {
  const matrix = svg.getScreenCTM();
  if (matrix === null) return null;
  const point = new DOMPoint(clientX, clientY).matrixTransform(matrix.inverse());
  const distance = (row) => Math.max(row.top - point.y, point.y - row.bottom, 0);
  const row = paper.rows.reduce((nearest, other) => (distance(other) < distance(nearest) ? other : nearest));
  for (const panel of row.panels) {
    const sample = panel.start + Math.floor(((point.x - panel.left) / MM_PER_SECOND) * record.rate);
    if (sample >= panel.start && sample < panel.stop) return panel.lead * record.samples + sample;
  }
  return null;
}
