"use strict";
/* The figure of one word: a column per layer, a dot per feature, overlaps below. */
otoscope.wordTable = (() => {
  const { make, link } = otoscope;
  const KINDS = { b: "both", m: "male", f: "female", n: "neither" };
  const MEANT = { female: "woman", male: "man" };
  const MANY = 16; // layers, beyond which columns are narrow so that all are seen at once

  const spelt = (value) => (value === null || value === undefined ? "–" : value.toFixed(2));
  const percent = (value) => `${(100 * Math.min(Math.max(value, 0), 1)).toFixed(1)}%`;

  /* With one voice only its own features are lit: those that both share, and those that are its alone. */
  const seen = (kind, voice) => (voice === "both" || kind === "both" || kind === voice ? kind : "neither");
  function meaning(kind, voice) {
    const who = MEANT[voice];
    if (!who) return { both: "activated by both", male: "by the man only", female: "by the woman only", neither: "by neither" }[kind];
    return { both: `activated by the ${who}, and by the ${who === "man" ? "woman" : "man"} too`, neither: `not activated by the ${who}` }[kind] || `by the ${who} only`;
  }

  function dot({ model, voice }, layer, feature, kind, row, column) {
    const mine = seen(kind, voice);
    return make("a", { class: `dot ${mine}`, "data-kind": mine, "data-row": row, "data-column": column, tabindex: -1,
      href: link("features", { model: model.name, feature: `${layer}/${feature}` }),
      "aria-label": `${layer}, feature ${feature}: ${meaning(mine, voice)}` });
  }
  const counted = (cells) => cells.counts || [..."bmfn"].map((letter) => cells.kinds.split(letter).length - 1);

  function bar(both, either, mean) {
    const box = make("div", { class: "bar" });
    if (either) box.append(make("i", { class: "own", style: `height:${percent(both / either)}` }));
    if (!mean || mean.overlap === null) return box;
    if (mean.ci_low !== null && mean.ci_high !== null) box.append(make("i", { class: "whisker", style: `bottom:${percent(mean.ci_low)};height:${percent(mean.ci_high - mean.ci_low)}` }));
    box.append(make("i", { class: "mean", style: `bottom:${percent(mean.overlap)}` }));
    if (mean.chance !== null) box.append(make("i", { class: "chance", style: `bottom:${percent(mean.chance)}` }));
    return box;
  }

  function columnOf({ model, entry, voice }, layer, at) {
    const cells = entry.layers[at];
    const mean = model.means[at];
    const [both, male, female, neither] = counted(cells);
    const either = both + male + female;
    const lit = { both: either, male: both + male, female: both + female }[voice];
    const interval = (low, high) => (mean && mean[low] !== null && mean[high] !== null ? `${spelt(mean[low])}–${spelt(mean[high])}` : "");
    const cell = (value, ...more) => make("td", { title: `${layer}: ${[value, ...more].filter(Boolean).join(", ")}` }, make("span", {}, value), ...more.map((text) => make("small", {}, text)));
    return {
      bar: make("td", {}, bar(both, either, mean)),
      lit: cell(String(lit), `of ${either + neither}`),
      own: cell(either ? spelt(both / either) : "–", `${both} of ${either}`),
      mean: cell(mean ? spelt(mean.overlap) : "–", interval("ci_low", "ci_high"), mean && mean.n_pairs !== null ? `n ${mean.n_pairs - (mean.n_undefined || 0)}` : ""),
      alike: cell(mean ? spelt(mean.alike) : "–", interval("alike_low", "alike_high")),
      chance: cell(mean ? spelt(mean.chance) : "–"),
    };
  }

  /* The table of a word `entry` (of its shard), as `voice` says it. */
  function table(shown) {
    const { model, entry, word, voice } = shown;
    const layers = model.layers;
    const tallest = Math.max(...entry.layers.map(({ features }) => features.length));
    const head = make("tr", {}, make("td"), ...layers.map((layer) => make("th", { scope: "col" }, make("a", { href: link("layers", { model: model.name, layer }) }, layer))));
    const rows = Array.from({ length: tallest }, (_, row) => make("tr", {},
      ...(row ? [] : [make("th", { scope: "rowgroup", rowspan: tallest }, "features")]),
      ...layers.map((layer, column) => {
        const { features, kinds } = entry.layers[column];
        return make("td", {}, ...(row < features.length ? [dot(shown, layer, features[row], KINDS[kinds[row]], row, column)] : []));
      })));
    const columns = layers.map((layer, at) => columnOf(shown, layer, at));
    const whole = entry.layers.every(({ counts }) => counts);
    const of = whole ? "whole layer" : "of the dots shown";
    const says = {
      lit: ["activated", `${{ both: "by either", female: "by the woman", male: "by the man" }[voice]}, ${of}`],
      bar: ["overlap", "0 to 1"],
      own: ["this pair", `both / either, ${of}`],
      mean: ["all pairs", "mean of n pairs, 95\u00a0%"],
      alike: ["one sex", "two of one sex, 95\u00a0%"],
      chance: ["chance", ""],
    };
    const foot = Object.entries(says).map(([name, [title, more]]) => make("tr", { class: `row-${name}` },
      make("th", { scope: "row" }, title, make("small", {}, more)), ...columns.map((column) => column[name])));
    const sheet = make("table", { class: layers.length > MANY ? "many" : "" },
      make("caption", { class: "sr" }, `Features of each layer that “${word}” activates`),
      make("thead", {}, head), make("tbody", {}, ...rows), make("tbody", { class: "numbers" }, ...foot));
    const first = sheet.querySelector(".dot");
    if (first) first.tabIndex = 0;
    return sheet;
  }

  return { MEANT, table, meaning };
})();
