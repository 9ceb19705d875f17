"use strict";
// The main table: one line a method; what is asked, measured, shown and compared can be switched, columns sorted.

const MainTable = (() => {
  const table = DATA.table;
  const names = ["dataset", "subset", "measure", "input", "opponent"];
  let order = { key: "value", falling: true };

  function chosen() {
    return Object.fromEntries(names.map((name) => [name, byId(name).value]));
  }

  function measureOf(name) {
    const [, words, unit, digits] = table.measures.find(([value]) => value === name);
    return { words, unit, digits };
  }

  function valuesOf({ dataset, subset, measure, input }) {
    return table.values[[dataset, subset, measure, input].join("|")] || {};
  }

  // Methods that were measured so, each with its value and how far it is from the one that is compared with.
  function lines(switches) {
    const values = valuesOf(switches);
    const other = values[switches.opponent];
    return Object.entries(values).map(([method, [value, low, high, n]]) => {
      const line = { method, family: FAMILY.get(method) || "", value, n: n === undefined ? low : n };
      if (n !== undefined) Object.assign(line, { low, high });
      const added = table.controls[[...["dataset", "subset", "measure", "input"].map((key) => switches[key]), method].join("|")];
      if (switches.input !== "ecg") {
        if (added) Object.assign(line, { difference: added[0], interval: added.slice(1), paired: true });
      } else if (other && method !== switches.opponent) {
        Object.assign(line, differenceOf(switches, method, value - other[0]));
      }
      return line;
    });
  }

  // As tested in pairs, where it was; else of the two values, and marked so.
  function differenceOf({ dataset, subset, measure, opponent }, method, apart) {
    const found = (one, two) => table.differences[[dataset, subset, measure, one, two].join("|")];
    const [own, turned] = [found(method, opponent), found(opponent, method)];
    if (own) return { difference: own[0], interval: own.slice(1), paired: true };
    if (turned) {
      const interval = turned.slice(1).map((end) => -end).reverse();
      return { difference: -turned[0], interval, paired: true };
    }
    return { difference: apart, interval: [], paired: false };
  }

  function sorted(found) {
    const { key, falling } = order;
    const rank = (line) => (key === "method" ? ORDER.get(line.method) : line[key]);
    return found.sort((one, two) => {
      const [a, b] = [rank(one), rank(two)];
      if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
      const less = a < b ? -1 : a > b ? 1 : ORDER.get(one.method) - ORDER.get(two.method);
      return falling ? -less : less;
    });
  }

  // The scale holds every interval; a line marks the value that is compared with.
  function scaleOf(found) {
    const ends = found.flatMap((line) => [line.value, line.low ?? line.value, line.high ?? line.value]);
    const [low, high] = [Math.min(...ends), Math.max(...ends)];
    const room = 0.04 * (high - low || 1);
    return (value) => (100 * (value - low + room)) / (high - low + 2 * room);
  }

  function bar(line, place, mark) {
    const track = element("span", { class: "track", style: `--zero: ${mark === undefined ? -100 : place(mark)}%` });
    if (line.low !== undefined) {
      const [from, to] = [place(line.low), place(line.high)];
      track.append(element("span", { class: "span", style: `left: ${from}%; width: ${to - from}%` }));
    }
    track.append(element("span", { class: "dot", style: `left: ${place(line.value)}%` }));
    return track;
  }

  function row(line, switches, place, mark) {
    const { digits } = measureOf(switches.measure);
    const interval = line.low === undefined ? "" : `${decimals(line.low, digits)} to ${decimals(line.high, digits)}`;
    const made = element("tr", line.method === switches.opponent ? { class: "compared" } : {});
    const difference = element("td", { class: "number" });
    if (line.difference !== undefined) {
      const ends = line.interval.length ? ` [${line.interval.map((end) => decimals(end, digits)).join(", ")}]` : "";
      difference.append(signed(line.difference, digits), line.paired ? "" : "*");
      difference.title = (line.paired ? "tested in pairs" : "difference of the two values") + ends;
    }
    made.append(
      element("th", { scope: "row" }, line.method),
      element("td", { class: "family" }, line.family),
      element("td", { class: "number" }, decimals(line.value, digits)),
      element("td", { class: "bar" }, bar(line, place, mark), element("span", { class: "visually-hidden" }, interval)),
      difference,
    );
    return made;
  }

  function draw() {
    const switches = chosen();
    const found = sorted(lines(switches));
    const { words, unit } = measureOf(switches.measure);
    const place = scaleOf(found);
    const other = found.find((line) => line.method === switches.opponent);
    const body = byId("main-table").querySelector("tbody");
    body.replaceChildren(...found.map((line) => row(line, switches, place, other && other.value)));
    const asked = table.subsets.find(([name]) => name === switches.subset);
    const shown = table.inputs.find(([name]) => name === switches.input);
    const n = found.length ? `, n ${found[0].n.toLocaleString("en")}` : "";
    byId("main-caption").textContent = found.length
      ? `${words} (${unit}), ${asked ? asked[1] : switches.subset}, shown ${shown[1]}${n}`
      : `${words}: not measured for these questions with ${shown[1]}.`;
    const unpaired = found.some((line) => line.difference !== undefined && !line.paired);
    const from = switches.input === "ecg" ? `from ${switches.opponent}, the dashed line` : `what the ECG adds over ${shown[1]}`;
    byId("difference-note").textContent =
      `Difference: ${from}` +
      (unpaired ? "; * of the two values, not tested in pairs." : ", tested in pairs; its interval on pointing at it.");
    for (const head of document.querySelectorAll("#main-table th[data-key]")) {
      const kind = head.dataset.key !== order.key ? "none" : order.falling ? "descending" : "ascending";
      head.setAttribute("aria-sort", kind);
    }
  }

  function sortBy(key) {
    const falling = key === order.key ? !order.falling : key === "value" || key === "difference";
    order = { key, falling };
    draw();
  }

  function start() {
    if (!byId("main-table")) return;
    offer(byId("dataset"), table.datasets);
    offer(byId("subset"), table.subsets, table.headline);
    offer(byId("measure"), table.measures, "accuracy");
    offer(byId("input"), table.inputs, "ecg");
    offer(byId("opponent"), table.opponents.map((name) => [name, name]), DATA.opponent);
    for (const name of names) byId(name).addEventListener("change", draw);
    for (const head of document.querySelectorAll("#main-table th[data-key]")) {
      head.querySelector("button").addEventListener("click", () => sortBy(head.dataset.key));
    }
    draw();
  }

  return { start };
})();
