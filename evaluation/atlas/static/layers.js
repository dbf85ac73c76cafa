"use strict";
/* One layer at a time: curves, samples, sonification, features, audiations. */
otoscope.index.then((index) => {
  const { $, make, hash, setHash, onHash, link, playButton, shard, announce } = otoscope;
  const { curve, gauge, histogram } = drawing;
  const models = index.models.filter((model) => model.layers.length);
  const FEMALE = ["#2a62b8", "#7fb0ff"];
  const MALE = ["#b8402a", "#ff9a80"];
  const SEXES = { female: ["women", FEMALE], male: ["men", MALE] };
  const UNITS = { segments: "half seconds", words: "words", phones: "phones", utterances: "utterances", ngrams: "phone n-grams" };
  const MEASURES = { active_share: ["active frames", 100, " %", 1, 1], length_s: ["length of activations", 1000, " ms", 0, null], spikiness: ["spikiness", 1, "", 2, 1] };
  const VERDICTS = { least: "The least complex", mean: "Nearest to the mean", most: "The most complex" };
  const { run } = $("shown") ? $("shown").dataset : {};
  const none = (text, command) => make("p", { class: "empty" }, text, ...(command ? [" ", make("code", {}, command)] : []));
  const finite = (value) => value !== null && value !== undefined;
  const fixed = (value, digits) => value.toFixed(digits).replace(/^-(0(\.0*)?)$/, "$1");
  const spelled = (value, digits = 1, unit = "", scale = 1) => (finite(value) ? `${fixed(scale * value, digits)}${unit}` : "–");
  const spread = (low, high, digits, scale = 1) => (finite(low) && finite(high) ? `${spelled(low, digits, "", scale)} to ${spelled(high, digits, "", scale)}` : "");
  const state = { model: null, layer: null, condition: null };
  let drawn = 0;

  /* ---- what is chosen ---- */
  const modelOf = () => models.find((model) => model.name === state.model);
  const entryOf = () => modelOf().layers.find((layer) => layer.name === state.layer);

  function follow(values) {
    state.model = (models.find((model) => model.name === values.model) || models.find((model) => model.name === state.model) || models[0]).name;
    const layers = modelOf().layers;
    state.layer = (layers.find((layer) => layer.name === values.layer) || layers.find((layer) => layer.name === state.layer) || layers[0]).name;
    if (values.condition) state.condition = values.condition;
    $("model").value = state.model;
    $("layer").replaceChildren(...layers.map((layer) => make("option", { value: layer.name }, layer.name)));
    $("layer").value = state.layer;
    const at = layers.indexOf(entryOf());
    $("before").disabled = at === 0;
    $("after").disabled = at === layers.length - 1;
    show(index.models.indexOf(modelOf()), at);
  }
  function choose(values) {
    const next = { ...state, ...values };
    setHash(next);
    follow(next);
  }
  function step(by) {
    const layers = modelOf().layers;
    const next = layers[layers.indexOf(entryOf()) + by];
    if (next) {
      choose({ layer: next.name });
      announce(`${next.name}, layer ${next.depth} of ${layers.length}`);
    }
  }

  async function show(m, l) {
    const turn = (drawn += 1);
    $("shown").setAttribute("aria-busy", "true");
    try {
      const [curves, found] = await Promise.all([shard(`layers/${m}/curves`), shard(`layers/${m}/${l}`)]);
      if (turn !== drawn) return;
      conditionsOf(curves, found);
      head(m);
      $("curves").replaceChildren(...curvesOf(curves));
      $("samples").replaceChildren(...samplesOf(found.samples));
      $("summary").replaceChildren(...summaryOf(found));
      $("features").replaceChildren(...featuresOf(found));
      $("audiations").replaceChildren(...audiationsOf(found.audiation));
      $("shown").removeAttribute("aria-busy");
    } catch (error) { if (turn === drawn) otoscope.complain(error); }
  }

  /* ---- the head ---- */
  function head() {
    const model = modelOf();
    const layer = entryOf();
    $("layer-name").textContent = layer.name;
    document.title = `${layer.name} · ${model.name} · Otoscope`;
    const ms = (samples) => `${samples} samples (${Number((samples / 16).toFixed(2))} ms)`;
    const facts = [`layer ${layer.depth} of ${model.layers.length} in ${model.name}`, layer.kind === "layer" ? null : layer.kind,
      layer.features === null ? null : `${layer.features} features`, layer.width === null || layer.width === layer.features ? null : `states of width ${layer.width}`,
      layer.stride === null ? null : `a state every ${ms(layer.stride)}`, layer.inputs.length ? `fed by ${layer.inputs.join(", ")}` : null];
    $("about").textContent = facts.filter(Boolean).join(" · ");
    const where = { model: model.name, layer: layer.name };
    $("links").replaceChildren(make("a", { href: link("network", where) }, "In the network"), make("a", { href: link("features", { model: model.name, feature: `${layer.name}/0` }) }, "Its features, one by one"));
  }

  function conditionsOf(curves, found) {
    const names = new Set([...curves.flatMap((block) => Object.keys(block.conditions)), ...found.samples.map((sample) => sample.condition)]);
    const known = index.conditions.map((condition) => condition.name).filter((name) => names.has(name));
    if (!known.includes(state.condition)) state.condition = known[0] || null;
    const box = $("conditions");
    box.hidden = known.length === 0;
    if (box.dataset.names !== known.join(" ")) {
      box.dataset.names = known.join(" ");
      box.replaceChildren(make("legend", {}, "Condition"), ...known.map((name) => make("label", {}, make("input", { type: "radio", name: "condition", value: name }), name)));
    }
    box.querySelectorAll("input").forEach((input) => { input.checked = input.value === state.condition; });
  }

  /* ---- curves ---- */
  const NAMES = ["natural", "copy-synthesis", "mean-mel"];

  function curvesOf(curves) {
    const blocks = curves.filter((block) => block.conditions[state.condition]);
    if (!blocks.length) return [none("Nothing has been scored of this model yet. The curves appear when the run has written summary.csv:", `otoscope run --output ${run}`)];
    const colour = modelOf().colour;
    const depths = new Map(modelOf().layers.map((layer) => [layer.name, layer.depth]));
    const control = index.models.find((model) => model.name === "untrained");
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
        curve({ points: series(layers, depths), control: series(untrained, others), references: Object.fromEntries(NAMES.filter((name) => references[name]).map((name) => [name, references[name][0]])), range: block.range, now: state.layer, colour, spell, label, choose: (name) => choose({ layer: name }) }));
    });
    const style = `--light:${colour[0]};--dark:${colour[1]}`;
    const keys = [["own", state.model], ["solid", "natural"], ["dash", "copy-synthesis"], ["dotted", "mean-mel"]];
    if (state.model !== "untrained" && control) keys.push(["grey", "untrained control"]);
    const legend = make("p", { class: "legend", "aria-hidden": "true" }, ...keys.map(([kind, name]) => make("span", {}, make("i", { class: `line ${kind}`, style: kind === "own" ? style : null }), name)));
    return [make("div", { class: "charts" }, ...charts), legend, numbersOf(blocks)];
  }

  function numbersOf(blocks) {
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

  /* ---- samples ---- */
  function samplesOf(samples) {
    const mine = samples.filter((sample) => sample.condition === state.condition);
    if (!mine.length) return [none(`There is no sample of ${state.layer}${state.condition ? ` in ${state.condition}` : ""} to listen to. The run renders them:`, `otoscope run --output ${run}`)];
    return [make("ul", { class: "voices" }, ...mine.map((sample) => make("li", {},
      make("p", {}, sample.text || sample.utterance, " ", make("small", {}, `speaker ${sample.speaker}`)),
      make("div", { class: "pair" },
        make("span", {}, playButton(sample.natural, `natural, ${sample.utterance}, ${sample.condition}`), "natural"),
        make("span", {}, playButton(sample.sound, `${state.layer} of ${state.model}, ${sample.utterance}, ${sample.condition}`), state.layer),
        make("a", { href: link("listen", { utterance: sample.utterance, condition: sample.condition, layer: state.layer }), "aria-label": `Compare all layers of ${sample.utterance}` }, "compare")))))];
  }

  /* ---- sonification ---- */
  const card = (title, text, ...children) => make("section", { class: "card" }, make("h4", {}, title), make("p", {}, text), ...children);
  const row = (name, about, figure, under, drawn) => make("li", {}, make("span", {}, name, ...(about ? [make("small", {}, about)] : [])), make("span", { class: "figure" }, figure, ...under.filter(Boolean).map((text) => make("small", {}, text))), drawn);
  const marks = (...kinds) => make("p", { class: "marks", "aria-hidden": "true" }, ...kinds.map(([kind, name]) => make("span", {}, drawing.svg("svg", {}, drawing.mark(kind, 6, 7, 7)), name)));
  const least = (...values) => Math.min(...values.filter(finite));
  const most = (...values) => Math.max(...values.filter(finite));

  function summaryOf(found) {
    if (!found.sonified && !found.dominance.length && !found.complexity.length) return [none(`No sonification has searched ${state.layer} of ${state.model} yet:`, `otoscope sonify ${run} --output ${run}`)];
    const stack = (...cards) => make("div", { class: "stack" }, ...cards.filter(Boolean));
    const parts = [stack(dominanceOf(found.dominance), sameWordOf(found.same_word)), stack(densityOf(found.sonified), activityOf(found.activity_pattern)), complexityOf(found)];
    if (found.picture) parts.push(make("details", { class: "card wide picture" }, make("summary", {}, found.picture.title), make("img", { loading: "lazy", alt: `${found.picture.title}: a line for each feature over time`, src: found.picture.image })));
    return parts;
  }

  function dominanceOf(rows) {
    if (!rows.length) return card("Men and women", "No share of features that one sex dominates: the corpus does not say who is which, or too few speak.");
    const to = most(0.1, ...rows.flatMap((one) => [one.share, one.ci_high, one.chance_high, one.control && one.control.share]));
    const lines = rows.map((one) => {
      const [name, colour] = SEXES[one.group] || [one.group, modelOf().colour];
      const under = [spread(one.ci_low, one.ci_high, 1, 100), `chance ${spelled(one.chance, 1, " %", 100)}`, one.control ? `untrained ${spelled(one.control.share, 1, " %", 100)}` : ""];
      const about = `${UNITS[one.unit] || one.unit}; ${spelled(one.dominated, 0)} of ${spelled(one.n_features - one.n_empty, 0)}, ${spelled(one.significant, 0)} sure`;
      return row(name, about, make("b", {}, spelled(one.share, 1, " %", 100)), under, gauge({ value: one.share, low: one.ci_low, high: one.ci_high, to, colour, marks: [{ at: one.chance_high, kind: "second" }, { at: one.control && one.control.share, kind: "control" }] }));
    });
    const remarks = [...new Set(rows.map((one) => one.remark).filter(Boolean))].map((text) => make("p", { class: "notes" }, text));
    const units = [...new Set(rows.map((one) => one.unit))];
    const shown = units.slice(0, 1);
    const first = lines.filter((_, i) => shown.includes(rows[i].unit));
    const rest = lines.filter((_, i) => !shown.includes(rows[i].unit));
    const more = rest.length ? [make("details", {}, make("summary", {}, `Of ${units.slice(1).map((unit) => UNITS[unit] || unit).join(", ")}`), make("ul", { class: "gauges" }, ...rest))] : [];
    return card("Men and women", "Features of which one sex speaks over 90 % of the best segments, with the 95 % interval over speakers.", ...remarks, make("ul", { class: "gauges" }, ...first), marks(["second", "97.5 % of chance deals lie below"], ...(rows.some((one) => one.control) ? [["control", "untrained"]] : [])), ...more);
  }

  function densityOf(sonified) {
    if (!sonified) return null;
    const dead = sonified.dead.length;
    const alive = sonified.counts.reduce((sum, count) => sum + count, 0);
    const text = `Share of frames in which a feature is active: ${spelled(sonified.mean, 1, " %", 100)} in the mean of ${alive} features${dead ? `; ${dead} dead` : ""}.`;
    return card("Density", text, histogram({ counts: sonified.counts, mean: sonified.mean, colour: modelOf().colour, label: `Features of ${state.layer} by density, from 0 to 1; mean ${spelled(sonified.mean, 2)}` }));
  }

  function complexityOf(found) {
    const rows = found.complexity;
    const section = card("Complexity", "Phones in what drives a feature most, with the 95 % interval over speakers; moved segments have the same lengths at other places, so what is above them is not explained by a longer memory.");
    section.classList.add("wide");
    if (!rows.length && !found.examples.length) {
      section.append(none("The corpus has no alignment of its phones, or words were not searched."));
      return section;
    }
    const list = rows.map((one) => {
      const from = least(one.minimum, one.ci_low, one.null, one.base, one.control && one.control.mean);
      const to = most(one.maximum, one.ci_high, one.null, one.base);
      const excess = finite(one.excess) ? `moved ${spelled(one.null, 2)}, excess ${one.excess > 0 ? "+" : ""}${spelled(one.excess, 2)} (${spread(one.excess_low, one.excess_high, 2)})` : "";
      const under = [spread(one.ci_low, one.ci_high, 2), excess, one.control ? `untrained ${spelled(one.control.mean, 2)}` : ""];
      const scale = finite(one.minimum) && finite(one.maximum) ? `features from ${spelled(one.minimum, 1)} to ${spelled(one.maximum, 1)}` : "";
      return row(UNITS[one.unit] || one.unit, scale, make("b", {}, spelled(one.mean, 2, " phones")), under, gauge({ value: one.mean, low: one.ci_low, high: one.ci_high, from, to, colour: modelOf().colour, marks: [{ at: one.null, kind: "" }, { at: one.base, kind: "second" }, { at: one.control && one.control.mean, kind: "control" }] }));
    });
    if (list.length) section.append(make("ul", { class: "gauges" }, ...list), marks(["", "moved segments"], ["second", "all segments that were searched"], ...(rows.some((one) => one.control) ? [["control", "untrained"]] : [])));
    section.append(make("div", { class: "examples" }, ...found.examples.map((example) => make("div", {},
      make("h5", {}, `${VERDICTS[example.which]}: `, make("a", { href: link("features", { model: state.model, feature: `${state.layer}/${example.feature}` }) }, `${state.layer}/${example.feature}`), `, ${spelled(example.phones, 2)} phones a word`),
      make("ol", { class: "heard" }, ...example.segments.map((one, rank) => make("li", {}, playButton(one.sound, `segment ${rank + 1} of ${state.layer}/${example.feature}: ${one.words}`), make("span", {}, make("b", {}, one.words || "–"), " ", make("small", {}, `${one.phones} · ${one.speaker}${one.sex ? `, ${one.sex}` : ""}`)))))))));
    return section;
  }

  function activityOf(rows) {
    if (!rows.length) return null;
    const list = rows.map((one) => {
      const [name, scale, unit, digits, end] = MEASURES[one.measure] || [one.measure, 1, "", 2, null];
      const to = end === null ? 1.25 * most(one.mean, one.ci_high, one.control && one.control.mean) : end;
      const under = [spread(one.ci_low, one.ci_high, digits, scale), one.control ? `untrained ${spelled(one.control.mean, digits, unit, scale)}` : ""];
      return row(name, one.n_silent ? `${one.n_silent} never active` : "", make("b", {}, spelled(one.mean, digits, unit, scale)), under, gauge({ value: one.mean, low: one.ci_low, high: one.ci_high, to, colour: modelOf().colour, marks: [{ at: one.control && one.control.mean, kind: "control" }] }));
    });
    return card("How its features are active", "Dense or sparse, short or long, spiky (1) or smooth (0); all layers are heard at one stride.", make("ul", { class: "gauges" }, ...list), ...(rows.some((one) => one.control) ? [marks(["control", "untrained"])] : []));
  }

  function sameWordOf(rows) {
    if (!rows.length) return null;
    const [one] = rows;
    const to = most(0.1, one.ci_high, one.alike_high, one.chance, one.control && one.control.overlap);
    const line = (name, value, low, high, colour) => row(name, "", make("b", {}, spelled(value, 2)), [spread(low, high, 2)], gauge({ value, low, high, to, colour, marks: [{ at: one.chance, kind: "second" }, { at: one.control && one.control.overlap, kind: "control" }] }));
    return card("The same word", `Overlap of the features that a word activates in two speakers, ${spelled(one.n_pairs, 0)} pairs${one.n_undefined ? `, of which ${one.n_undefined} activate nothing` : ""}.`,
      make("ul", { class: "gauges" }, line("a man and a woman", one.overlap, one.ci_low, one.ci_high, modelOf().colour), line("two of one sex", one.alike, one.alike_low, one.alike_high, ["#85878c", "#9b9ea6"])),
      marks(["second", `sets of these sizes by chance, ${spelled(one.chance, 2)}`], ...(one.control ? [["control", `untrained, ${spelled(one.control.overlap, 2)}`]] : [])), make("p", {}, make("a", { href: link("words", { model: state.model }) }, "Choose a word"), "."));
  }

  /* ---- features ---- */
  function featuresOf(found) {
    const count = found.sonified ? found.sonified.features : entryOf().features;
    if (!count) return [none("How many features this layer has is not known yet.", `otoscope sonify ${run} --output ${run}`)];
    const dead = new Map(found.sonified ? found.sonified.dead : []);
    const made = new Set((found.audiation ? found.audiation.sounds : []).filter((sound) => !sound.problem).map((sound) => sound.feature));
    const list = make("ul", { class: "cells", "aria-labelledby": "features-title" });
    for (let i = 0; i < count; i += 1) {
      const says = [dead.has(i) ? `dead: ${dead.get(i)}` : "", made.has(i) ? "has an audiation" : ""].filter(Boolean).join(", ");
      list.append(make("li", {}, make("a", { href: link("features", { model: state.model, feature: `${state.layer}/${i}` }), class: [dead.has(i) ? "dead" : "", made.has(i) ? "made" : ""].join(" ").trim() || null, tabindex: i ? -1 : 0, title: says || null, "aria-label": `${state.layer}/${i}${says ? `, ${says}` : ""}` }, String(i))));
    }
    list.addEventListener("keydown", (event) => wander(event, list));
    const lead = make("p", { class: "lead" }, `${count} features`, dead.size ? `, ${dead.size} dead (dashed)` : "", made.size ? `, ${made.size} with an audiation (dotted)` : "", ". Arrow keys move among them.");
    return [lead, list];
  }
  /* One stop of the tab key for all cells; the arrows move among them. */
  function wander(event, list) {
    const cells = [...list.querySelectorAll("a")];
    const at = cells.indexOf(document.activeElement);
    const across = cells.filter((cell) => cell.offsetTop === cells[0].offsetTop).length;
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across }[event.key];
    const next = by ? cells[at + by] : { Home: cells[0], End: cells[cells.length - 1] }[event.key];
    if (at < 0 || !(by || next)) return;
    event.preventDefault();
    event.stopPropagation();
    if (!next) return;
    cells[at].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }

  /* ---- audiations ---- */
  function audiationsOf(found) {
    if (!found || !found.sounds.length) return [none(`No sound was made for a feature of ${state.layer} of ${state.model}:`, `otoscope audiate ${run} --output ${run}`)];
    const share = (value) => spelled(value, 0, " %", 100);
    const told = found.summary.map((one) => make("p", { class: "lead" }, `${one.variant === "as asked" ? "" : `Control, ${one.variant}: `}${spelled(one.sounds, 0)} sounds${finite(one.above) ? `; ${share(one.above)} drive their feature more than any segment of the corpus, ${share(one.held_out_above)} also under changes that the optimisation did not see` : ""}.`));
    const sounds = found.sounds.map((one) => {
      const name = `${state.layer}/${one.feature}${one.sample ? `, sample ${one.sample + 1}` : ""}`;
      const scores = one.problem || `reached ${spelled(one.reached, 2)}, held out ${spelled(one.held_out, 2)}, best segment ${spelled(one.strongest, 2)}`;
      return make("li", {}, make("p", {}, make("a", { href: link("features", { model: state.model, feature: `${state.layer}/${one.feature}` }) }, name), " ", make("small", {}, scores)),
        make("div", { class: "pair" }, make("span", {}, playButton(one.sound, `audiation of ${name}`), "made for it"), make("span", {}, playButton(one.segment, `best segment of ${name}`), one.words ? `best segment, ${one.words}` : "best segment")));
    });
    return [...told, make("ul", { class: "voices" }, ...sounds)];
  }

  /* ---- controls ---- */
  if (!models.length) return;
  $("model").append(...models.map((model) => make("option", { value: model.name }, model.name)));
  $("model").addEventListener("change", () => choose({ model: $("model").value }));
  $("layer").addEventListener("change", () => choose({ layer: $("layer").value }));
  $("conditions").addEventListener("change", (event) => choose({ condition: event.target.value }));
  $("before").addEventListener("click", () => step(-1));
  $("after").addEventListener("click", () => step(1));
  addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.target.closest("select, input, audio, textarea, .scroll")) return;
    if (event.key === "ArrowLeft") step(-1);
    if (event.key === "ArrowRight") step(1);
  });
  onHash(follow);
  follow(hash());
}).catch(otoscope.complain);
