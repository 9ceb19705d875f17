"use strict";
// Compression, bits and error against the number of merges, measured by the library; a dot where the slider stands.

const CHART = { width: 320, height: 170, left: 40, right: 24, top: 10, bottom: 32 };

// Tokens, bits and so on of the page's records as they are cut now.
function measuresNow(tokenizer, records, counts, numMerges) {
  const samples = records.reduce((sum, record) => sum + record.symbols.length, 0);
  let tokens = 0;
  for (const count of counts) tokens += count;
  let entropy = 0;
  for (const count of counts) if (count) entropy -= (count / tokens) * Math.log2(count / tokens);
  return {
    merges: numMerges,
    tokens,
    compression: samples / tokens,
    bits_bound: (tokens * Math.log2(tokenizer.alphabet + numMerges)) / samples,
    bits_entropy: (tokens * entropy) / samples,
  };
}

// lines: name (of the value), text and dash; the numbers of merges lie on a logarithmic axis that begins with 0.
function chart(rows, now, lines, title, digits) {
  const { width, height, left, right, top, bottom } = CHART;
  const most = Math.max(1, rows[rows.length - 1].merges);
  const highest = niceCeiling(Math.max(...rows.flatMap((row) => lines.map((line) => row[line.name]))));
  const x = (merges) => left + ((width - left - right) * Math.log1p(merges)) / Math.log1p(most);
  const y = (value) => height - bottom - ((height - top - bottom) * value) / highest;
  const words = lines.map((line) => {
    const value = (row) => row[line.name].toFixed(digits);
    return `${line.text} ${value(rows[0])} without merges, ${value(rows[rows.length - 1])} with ${most}`;
  });
  const drawing = svgElement("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", class: "chart" });
  drawing.setAttribute("aria-label", `${title}: ${words.join("; ")}.`);
  for (let k = 0; k <= 4; k++) {
    const value = (highest * k) / 4;
    drawing.append(
      svgElement("path", { d: `M${left} ${y(value)}H${width - right}`, class: "rule" }),
      svgElement("text", { x: left - 5, y: y(value) + 4, class: "axis-y" }, String(Number(value.toFixed(4)))),
    );
  }
  for (const merges of axisMarks(most)) {
    drawing.append(svgElement("text", { x: x(merges), y: height - bottom + 15, class: "axis-x" }, wholeNumber(merges)));
  }
  drawing.append(svgElement("text", { x: (left + width - right) / 2, y: height - 3, class: "axis-x" }, "merges"));
  for (const line of lines) {
    const path = rows.map((row, k) => `${k ? "L" : "M"}${x(row.merges).toFixed(1)} ${y(row[line.name]).toFixed(1)}`).join("");
    drawing.append(svgElement("path", { d: path, class: "curve", "stroke-dasharray": line.dash }));
    if (line.name in now) {
      drawing.append(svgElement("circle", { cx: x(now.merges), cy: y(now[line.name]), r: 4.5, class: "now" }));
    }
  }
  return drawing;
}

function axisMarks(most) {
  const marks = [0];
  for (let mark = 10; mark < most / 3; mark *= 10) marks.push(mark);
  return [...marks, most];
}

function niceCeiling(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 5, 8, 10].map((factor) => factor * power).find((candidate) => candidate >= value);
}

function fillMeasures(container, rows, now) {
  const errors = "Root mean square error, mV";
  const figures = [
    [chart(rows, now, [{ name: "compression", text: "", dash: "none" }], "Samples a token", 1), `Samples a token: ${now.compression.toFixed(2)} now`],
    [
      chart(
        rows,
        now,
        [
          { name: "bits_bound", text: "if every token costs the same", dash: "none" },
          { name: "bits_entropy", text: "by how often each token occurs", dash: "4 3" },
        ],
        "Bits a sample",
        2,
      ),
      `Bits a sample: ${now.bits_bound.toFixed(2)} if every token costs the same (line), ${now.bits_entropy.toFixed(2)} by how often each occurs (dashes)`,
    ],
    [
      chart(rows, { ...now, error_mv: rows[0].error_mv }, [{ name: "error_mv", text: "", dash: "none" }], errors, 4),
      `${errors}: ${rows[0].error_mv.toFixed(4)}. Merges lose nothing: the error comes from the bins and the range alone`,
    ],
  ];
  container.replaceChildren(
    ...figures.map(([drawing, words]) => element("figure", {}, drawing, element("figcaption", {}, `${words}.`))),
  );
}

function fillMeasuresTable(body, rows) {
  body.replaceChildren(
    ...rows.map((row) =>
      element(
        "tr",
        {},
        element("th", { scope: "row" }, wholeNumber(row.merges)),
        element("td", {}, wholeNumber(row.tokens)),
        element("td", {}, row.compression.toFixed(2)),
        element("td", {}, row.bits_bound.toFixed(3)),
        element("td", {}, row.bits_entropy.toFixed(3)),
        element("td", {}, row.error_mv.toFixed(4)),
      ),
    ),
  );
}
