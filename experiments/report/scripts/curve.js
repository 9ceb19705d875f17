"use strict";
// What validation said while methods were trained: one line a training run, those of a method in one colour.

const Curve = (() => {
  const COLOURS = ["#0072b2", "#d23b00", "#00805e", "#a0217f", "#6e3b00", "#2b2490", "#404040", "#5c5c00"];
  const DASHES = ["", "6 3", "2 3", "9 3 2 3"];
  const SIZE = { width: 760, height: 360, left: 52, right: 0, top: 12, bottom: 42 };
  const LEAST_WIDTH = 340;
  const LETTER = 6.9;
  const AT_FIRST = 6;
  const { measures, x, lines } = DATA.curves;
  const methods = [...new Set(lines.map(([method]) => method))];
  const shown = new Set();

  function style(method) {
    const place = methods.indexOf(method);
    return { stroke: COLOURS[place % COLOURS.length], dash: DASHES[Math.floor(place / COLOURS.length) % DASHES.length] };
  }

  // Round numbers that a scale is marked with.
  function marks(low, high) {
    const rough = (high - low || 1) / 5;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [1, 2, 5, 10].find((times) => times * power >= rough);
    const found = [];
    for (let k = Math.ceil(low / step); k * step <= high + 1e-9 * step; k++) found.push(Number((k * step).toPrecision(6)));
    return found;
  }

  function pointsOf(line, place) {
    return line[2].filter((point) => point[place] !== null).map((point) => [point[0], point[place]]);
  }

  function draw() {
    const place = 1 + measures.findIndex(([name]) => name === byId("curve-measure").value);
    const drawn = lines.filter(([method]) => shown.has(method));
    const points = drawn.flatMap((line) => pointsOf(line, place).filter(([at]) => at > 0));
    const svg = byId("curve-chart");
    // One unit a pixel, so that words are as large as elsewhere.
    SIZE.width = Math.max(LEAST_WIDTH, Math.round(svg.clientWidth));
    SIZE.right = 14 + LETTER * Math.max(...[...shown].map((method) => method.length));
    svg.setAttribute("viewBox", `0 0 ${SIZE.width} ${SIZE.height}`);
    if (!points.length) {
      svg.replaceChildren();
      byId("curve-words").textContent = "Nothing was measured for the chosen methods.";
      return;
    }
    const range = (values) => [Math.min(...values), Math.max(...values)];
    const [, right] = range(points.map(([at]) => at));
    const [low, high] = range(points.map(([, value]) => value));
    const inner = { width: SIZE.width - SIZE.left - SIZE.right, height: SIZE.height - SIZE.top - SIZE.bottom };
    const toX = (at) => SIZE.left + (inner.width * at) / right;
    const toY = (value) => SIZE.top + inner.height * (1 - (value - low) / (high - low || 1));
    const parts = [];
    for (const value of marks(low, high)) {
      const y = toY(value).toFixed(1);
      parts.push(svgElement("path", { d: `M${SIZE.left} ${y}h${inner.width}`, stroke: "#ddd", fill: "none" }));
      parts.push(svgElement("text", { x: SIZE.left - 6, y: Number(y) + 4, "text-anchor": "end" }, decimals(value, 3).replace(/\.?0+$/, "")));
    }
    for (const at of marks(0, right)) {
      parts.push(svgElement("text", { x: toX(at), y: SIZE.height - 22, "text-anchor": "middle" }, at.toLocaleString("en")));
    }
    parts.push(svgElement("text", { x: SIZE.left + inner.width / 2, y: SIZE.height - 4, "text-anchor": "middle" }, x));
    for (const line of drawn) {
      const path = pointsOf(line, place).filter(([at, value]) => at > 0 || (value >= low && value <= high));
      const { stroke, dash } = style(line[0]);
      const d = path.map(([at, value], k) => `${k ? "L" : "M"}${toX(at).toFixed(1)} ${toY(value).toFixed(1)}`).join("");
      parts.push(svgElement("path", { d, stroke, "stroke-dasharray": dash, "stroke-width": 1.8, fill: "none", class: "line" }));
    }
    parts.push(...labels(drawn, place, toY));
    svg.replaceChildren(...parts);
    byId("curve-words").textContent =
      `${measures[place - 1][1]} against ${x}, one line a training run: ` +
      [...shown].map((method) => `${method} ${last(method, place)}`).join(", ") + " at the end.";
  }

  function last(method, place) {
    const ends = lines.filter(([name]) => name === method).map((line) => pointsOf(line, place).at(-1));
    const known = ends.filter((end) => end !== undefined).map(([, value]) => value);
    return known.length ? decimals(known.reduce((sum, value) => sum + value, 0) / known.length, 2) : "(not measured)";
  }

  // Names at the right ends of the lines, none over another.
  function labels(drawn, place, toY) {
    const names = [...shown].map((method) => {
      const ends = drawn.filter(([name]) => name === method).map((line) => pointsOf(line, place).at(-1)).filter(Boolean);
      return { method, y: ends.reduce((sum, [, value]) => sum + toY(value), 0) / (ends.length || 1), known: ends.length };
    });
    let before = -Infinity;
    return names
      .filter(({ known }) => known)
      .sort((one, two) => one.y - two.y)
      .map(({ method, y }) => {
        before = Math.max(y, before + 14);
        const text = svgElement("text", { x: SIZE.width - SIZE.right + 8, y: before + 4 }, method);
        text.style.fill = style(method).stroke;
        return text;
      });
  }

  function start() {
    if (!byId("curve-chart") || !lines.length) return;
    offer(byId("curve-measure"), measures);
    byId("curve-measure").addEventListener("change", draw);
    addEventListener("resize", draw);
    const first = [DATA.reference, DATA.opponent, ...methods].filter((name) => methods.includes(name));
    [...new Set(first)].slice(0, AT_FIRST).forEach((name) => shown.add(name));
    for (const method of methods) {
      const box = element("input", { type: "checkbox", value: method });
      box.checked = shown.has(method);
      box.addEventListener("change", () => {
        if (box.checked) shown.add(method);
        else shown.delete(method);
        draw();
      });
      byId("curve-methods").append(element("label", {}, box, ` ${method}`));
    }
    draw();
  }

  return { start };
})();
