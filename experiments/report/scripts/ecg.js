"use strict";
// One segment on ECG paper, 25 mm/s and 10 mm/mV, a lead a panel. Traces are unpacked when the first one is asked for.

const ECG = (() => {
  const MM_PER_SECOND = 25;
  const MM_PER_MV = 10;
  const LEFT = 4;
  const GAP = 3;
  const WIDEST_MM = 230;
  let traces = null;

  async function packedTraces() {
    if (traces === null) {
      const bytes = unpackBytes(DATA.ecgs.traces);
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
      traces = (await new Response(stream).text()).split("\n");
    }
    return traces;
  }

  function has(sample) {
    return DATA.ecgs !== null && sample in DATA.ecgs.asked;
  }

  async function draw(sample) {
    const { leads, samples, step, rate, asked } = DATA.ecgs;
    const signal = unpackTrace((await packedTraces())[asked[sample]], leads.length, samples, step);
    const width = ((samples - 1) / rate) * MM_PER_SECOND;
    const columns = [4, 3, 2, 1].find((count) => count * (width + GAP) <= WIDEST_MM) || 1;
    const rows = Math.ceil(leads.length / columns);
    const parts = [];
    let top = 0;
    for (let row = 0; row < rows; row++) {
      // Leads go down the columns, as on paper.
      const own = leads.map((_, lead) => lead).filter((lead) => lead % rows === row);
      const high = Math.max(0.5, ...own.flatMap((lead) => [...signal[lead]])) * MM_PER_MV;
      const low = Math.min(-0.3, ...own.flatMap((lead) => [...signal[lead]])) * MM_PER_MV;
      const zero = Math.ceil((top + high + 5) / 5) * 5;
      for (const lead of own) parts.push(...panel(leads[lead], signal[lead], LEFT + Math.floor(lead / rows) * (width + GAP), zero, rate));
      top = zero - low;
    }
    const size = { width: Math.ceil((LEFT + columns * (width + GAP)) / 5) * 5, height: Math.ceil((top + 2) / 5) * 5 };
    return sheet(size, parts, `ECG of ${leads.length} leads, ${(samples / rate).toFixed(1)} s, 25 mm/s, 10 mm/mV`);
  }

  function panel(name, values, left, zero, rate) {
    const d = [...values]
      .map((value, k) => `${k ? "L" : "M"}${(left + (k / rate) * MM_PER_SECOND).toFixed(2)} ${(zero - value * MM_PER_MV).toFixed(2)}`)
      .join("");
    const above = zero - Math.max(0, ...values.slice(0, Math.ceil(0.3 * rate))) * MM_PER_MV - 1.5;
    return [svgElement("path", { d, class: "trace" }), svgElement("text", { x: left + 0.5, y: above.toFixed(2) }, name)];
  }

  function sheet({ width, height }, parts, words) {
    const grid = (size, kind) => {
      let d = "";
      for (let x = 0; x <= width; x += size) d += `M${x} 0V${height}`;
      for (let y = 0; y <= height; y += size) d += `M0 ${y}H${width}`;
      return svgElement("path", { d, class: kind });
    };
    const svg = svgElement("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": words });
    svg.append(grid(1, "small"), grid(5, "large"), ...parts);
    return svg;
  }

  return { has, draw };
})();
