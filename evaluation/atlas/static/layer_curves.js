"use strict";
/* A layer's place on the curves, and the numbers behind them; what all parts of the page spell with. */
otoscope.layers = (() => {
  const { make } = otoscope;
  const { curve } = drawing;
  // Who is shown comes as `at`: {state, model, run, choose, untrained}.
  const none = (text, command) => make("p", { class: "empty" }, text, ...(command ? [" ", make("code", {}, command)] : []));
  const finite = (value) => value !== null && value !== undefined;
  const fixed = (value, digits) => value.toFixed(digits).replace(/^-(0(\.0*)?)$/, "$1");
  const spelled = (value, digits = 1, unit = "", scale = 1) => (finite(value) ? `${fixed(scale * value, digits)}${unit}` : "–");
  const spread = (low, high, digits, scale = 1) => (finite(low) && finite(high) ? `${spelled(low, digits, "", scale)} to ${spelled(high, digits, "", scale)}` : "");
  const NAMES = ["natural", "copy-synthesis", "mean-mel"];

  function curvesOf(curves, at) {
    const { state, model, untrained: control } = at;
    const blocks = curves.filter((block) => block.conditions[state.condition]);
    if (!blocks.length) return [none("Nothing has been scored of this model yet. The curves appear when the run has written summary.csv:", `otoscope run --output ${at.run}`)];
    const { colour } = model;
    const depths = new Map(model.layers.map((layer) => [layer.name, layer.depth]));
    const others = new Map((control ? control.layers : []).map((layer) => [layer.name, layer.depth]));
    const series = (values, places) => Object.entries(values).filter(([name]) => places.has(name)).map(([name, cells]) => ({ name, depth: places.get(name), values: cells }));
    const unit = (block) => (block.unit ? ` ${block.unit}` : "");
    const charts = blocks.filter((block) => block.charted).map((block) => {
      const { layers, references, control: untrained } = block.conditions[state.condition];
      const spell = (value) => spelled(value, block.digits, unit(block));
      const mine = layers[state.layer] ? layers[state.layer][0] : null;
      const what = `${block.label}${block.scorer ? ` by ${block.scorer}` : ""}`;
      const label = `${what} over depth, ${state.model}, ${state.condition}: ${state.layer} ${spell(mine)}; the table below has the numbers`;
      return make("figure", { class: "chart" }, make("figcaption", {}, make("span", {}, what), make("b", {}, spell(mine))),
        curve({ points: series(layers, depths), control: series(untrained, others), references: Object.fromEntries(NAMES.filter((name) => references[name]).map((name) => [name, references[name][0]])), range: block.range, now: state.layer, colour, spell, label, choose: (name) => at.choose({ layer: name }) }));
    });
    const style = `--light:${colour[0]};--dark:${colour[1]}`;
    const keys = [["own", state.model], ["solid", "natural"], ["dash", "copy-synthesis"], ["dotted", "mean-mel"]];
    if (state.model !== "untrained" && control) keys.push(["grey", "untrained control"]);
    const legend = make("p", { class: "legend", "aria-hidden": "true" }, ...keys.map(([kind, name]) => make("span", {}, make("i", { class: `line ${kind}`, style: kind === "own" ? style : null }), name)));
    return [make("div", { class: "charts" }, ...charts), legend, numbersOf(blocks, state)];
  }

  function numbersOf(blocks, state) {
    const cells = (values, block) => {
      if (!values) return make("td", { class: "right" }, make("span", { "aria-hidden": "true" }, "–"), make("span", { class: "sr" }, "none"));
      const [mean, low, high] = values;
      const interval = spread(low, high, block.digits);
      return make("td", { class: "right" }, spelled(mean, block.digits), ...(interval ? [" ", make("small", {}, interval)] : []));
    };
    const rows = blocks.map((block) => {
      const { layers, references, control } = block.conditions[state.condition];
      const mine = layers[state.layer];
      const count = mine ? [finite(mine[3]) ? String(mine[3]) : "–", ...(mine[4] ? [" ", make("b", { class: "bad" }, `${mine[4]} failed`)] : [])] : ["–"];
      return make("tr", {}, make("th", { scope: "row" }, `${block.label}${block.unit ? `, ${block.unit}` : ""}`, ...(block.scorer ? [" ", make("small", {}, `by ${block.scorer}`)] : [])),
        cells(mine, block), make("td", { class: "right" }, ...count), cells(control[state.layer], block), ...NAMES.map((name) => cells(references[name], block)));
    });
    const heads = ["metric", state.layer, "n", "untrained", ...NAMES];
    const table = make("table", { class: "rows" }, make("thead", {}, make("tr", {}, ...heads.map((name, i) => make("th", { scope: "col", class: i ? "right" : null }, name)))), make("tbody", {}, ...rows));
    return make("details", {}, make("summary", {}, `The numbers of ${state.layer}, ${state.condition}, with 95 % intervals`), make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `Scores of ${state.layer}` }, table));
  }

  return { none, finite, spelled, spread, curvesOf };
})();
