"use strict";
// Questions with every method's answers, filtered by kind, by words, and by who is right and who is wrong.

const Questions = (() => {
  const PAGE = 10;
  const AT_FIRST = ["ecg-byte-plus", "linear-patches", "token-counts", "text-only"];
  const KINDS = {
    "single-verify": "yes or no",
    "single-choose": "which of two",
    "single-query": "list of findings",
    report: "whole reports",
  };
  const asked = DATA.asked;
  let found = [];
  let shown = 0;

  // Of the runs of a method, how many were right, and how many there are.
  function score(method, place) {
    const form = asked.forms[asked.questions[place][2]];
    const runs = asked.methods[method];
    return [runs.filter((answers) => asked.forms[answers[place]] === form).length, runs.length];
  }

  function isRight(method, place) {
    const [right, runs] = score(method, place);
    return right === runs;
  }

  function isWrong(method, place) {
    return score(method, place)[0] === 0;
  }

  function matches(place) {
    const [kind, text, reference, record] = asked.questions[place];
    const words = byId("contains").value.trim().toLowerCase();
    const said = [asked.texts[text], asked.texts[reference], record].join(" ").toLowerCase();
    const [wrong, right] = [byId("wrong").value, byId("right").value];
    return (
      (!byId("kind").value || kind === byId("kind").value) &&
      said.includes(words) &&
      (!wrong || isWrong(wrong, place)) &&
      (!right || isRight(right, place))
    );
  }

  function filter() {
    found = asked.questions.map((_, place) => place).filter(matches);
    shown = 0;
    byId("found-questions").replaceChildren();
    const share = (method) => {
      const runs = found.map((place) => score(method, place));
      const right = runs.reduce((sum, [some]) => sum + some, 0);
      const all = runs.reduce((sum, [, count]) => sum + count, 0);
      return `${method} ${((100 * right) / all).toFixed(0)} %`;
    };
    const told = namedMethods();
    byId("found").textContent =
      `${found.length.toLocaleString("en")} of ${asked.questions.length.toLocaleString("en")} questions` +
      (found.length && told.length ? `; right: ${told.map(share).join(", ")}` : "") + "." +
      (DATA.ecgs === null ? " The ECGs are not kept with these results." : "");
    more();
  }

  function more() {
    const next = found.slice(shown, shown + PAGE);
    byId("found-questions").append(...next.map(article));
    shown += next.length;
    byId("more-questions").hidden = shown >= found.length;
  }

  function article(place) {
    const [, text, reference, record] = asked.questions[place];
    const made = element(
      "article",
      { class: "asked" },
      element(
        "h3",
        {},
        asked.texts[text], " ",
        element("span", { class: "reference" }, `\u2192 ${asked.texts[reference]}`), " ",
        element("span", { class: "record" }, `record ${record}`),
      ),
      ...answersOf(place),
    );
    const sample = asked.samples[place];
    if (ECG.has(sample)) made.append(ecgOf(sample));
    return made;
  }

  // The methods that questions are filtered by, and the simplest, at once; the others on demand.
  function answersOf(place) {
    const list = (methods) => element("ul", { class: "answers" }, ...methods.map((method) => answerOf(method, place)));
    const all = Object.keys(asked.methods);
    const first = namedMethods();
    const rest = all.filter((method) => !first.includes(method));
    if (!rest.length) return [list(first)];
    const right = rest.filter((method) => isRight(method, place)).length;
    const words = `${rest.length} more methods, ${right} of them right in every run`;
    return [list(first), element("details", {}, element("summary", {}, words), list(rest))];
  }

  function namedMethods() {
    const named = [byId("wrong").value, byId("right").value, DATA.reference, DATA.opponent, ...AT_FIRST];
    return [...new Set(named)].filter((method) => method in asked.methods);
  }

  function answerOf(method, place) {
    const [right, runs] = score(method, place);
    const kind = right === runs ? "right" : right ? "mixed" : "wrong";
    const sign = { right: "\u2713", mixed: `${right}/${runs}`, wrong: "\u2717" }[kind];
    const said = [...new Set(asked.methods[method].map((answers) => asked.texts[answers[place]] || "(empty)"))];
    return element("li", { class: kind }, `${sign} `, element("strong", {}, method), ` ${said.join(" / ")}`);
  }

  // The first ones lie open; the others are drawn when they are opened.
  function ecgOf(sample) {
    const paper = element("div", { class: "ecg", role: "region", tabindex: "0", "aria-label": `ECG of ${sample}` });
    const details = element("details", {}, element("summary", {}, "ECG"), paper);
    details.addEventListener("toggle", async () => {
      if (details.open && !paper.childElementCount) paper.replaceChildren(await ECG.draw(sample));
    });
    details.open = shown < 3;
    return details;
  }

  function start() {
    if (!asked || !byId("filters")) return;
    const kinds = [...new Set(asked.questions.map(([kind]) => kind))];
    const methods = Object.keys(asked.methods).map((name) => [name, `${name}, in every run`]);
    offer(byId("kind"), [["", "all"], ...kinds.map((kind) => [kind, KINDS[kind] || kind])]);
    offer(byId("wrong"), [["", "anyone"], ...methods]);
    offer(byId("right"), [["", "anyone"], ...methods]);
    if (DATA.reference in asked.methods && DATA.opponent in asked.methods && DATA.reference !== DATA.opponent) {
      byId("wrong").value = DATA.reference;
      byId("right").value = DATA.opponent;
    }
    for (const id of ["kind", "wrong", "right"]) byId(id).addEventListener("change", filter);
    byId("contains").addEventListener("input", filter);
    byId("more-questions").addEventListener("click", more);
    filter();
  }

  return { start };
})();
