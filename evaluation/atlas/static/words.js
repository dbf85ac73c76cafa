"use strict";
/* One word by a man and a woman: 20 features of each layer, lit where the chosen voice activates them. */
otoscope.shard("words").then((all) => {
  const { $, make, shard, hash, setHash, onHash, link, announce, player, playButton } = otoscope;
  const KINDS = { b: "both", m: "male", f: "female", n: "neither" };
  const MEANT = { female: "woman", male: "man" };
  const FEW = 40;
  const state = { model: all.models[0], word: 0, voice: "both" };
  let entry = null;
  let asked = 0;

  const chosen = () => document.querySelector("input[name=voice]:checked").value;
  const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
  const spelt = (value) => (value === null || value === undefined ? "–" : value.toFixed(2));
  const percent = (value) => `${(100 * Math.min(Math.max(value, 0), 1)).toFixed(1)}%`;

  /* With one voice only its own features are lit: those that both share, and those that are its alone. */
  const seen = (kind) => (state.voice === "both" || kind === "both" || kind === state.voice ? kind : "neither");
  function meaning(kind) {
    const who = MEANT[state.voice];
    if (!who) return { both: "activated by both", male: "by the man only", female: "by the woman only", neither: "by neither" }[kind];
    return { both: `activated by the ${who}, and by the ${who === "man" ? "woman" : "man"} too`, neither: `not activated by the ${who}` }[kind] || `by the ${who} only`;
  }

  /* ---- words ---- */
  function chips() {
    $("find").hidden = state.model.words.length <= FEW;
    const sought = $("find").hidden ? "" : $("sought").value.trim().toLowerCase();
    const found = state.model.words.map((word, at) => [word, at]).filter(([word]) => word.toLowerCase().includes(sought));
    $("chips").replaceChildren(...found.map(([word, at]) => {
      const here = at === state.word;
      const button = make("button", { type: "button", "data-word": at, "aria-pressed": String(here), tabindex: here ? 0 : -1 }, word);
      button.addEventListener("click", () => choose(at));
      return button;
    }));
    if (found.length && !$("chips").querySelector('[tabindex="0"]')) $("chips").firstChild.tabIndex = 0;
    if (!found.length) $("chips").append(make("span", { class: "soft" }, "no such word"));
  }

  /* ---- voices ---- */
  function voice(sex, of) {
    const who = `the ${MEANT[sex]}${of.speaker ? `, ${of.speaker}` : ""}`;
    const where = of.utterance ? `${of.utterance}${of.start_s === null ? "" : ` at ${of.start_s.toFixed(2)} s`}` : "";
    const button = playButton(of.sound, `“${state.model.words[state.word]}” by ${who}`);
    button.dataset.sex = sex;
    return make("span", { class: `voice ${sex}` }, button, make("span", {}, who, make("small", {}, where)));
  }
  function voices() {
    const there = ["female", "male"].filter((sex) => entry.voices[sex]);
    const parts = there.map((sex) => voice(sex, entry.voices[sex]));
    if (there.length === 2 && there.every((sex) => entry.voices[sex].sound)) {
      const button = make("button", { type: "button", class: "turns", "aria-pressed": "false" }, "▶ one after the other");
      button.addEventListener("click", () => (player.pressed() === button && player.playing() ? player.stop() : turn(button, "female")));
      parts.push(button);
    }
    $("voices").replaceChildren(...parts);
  }
  let next = null;
  function turn(button, sex) {
    next = sex === "female" ? button : null;
    player.play({ src: entry.voices[sex].sound, label: `“${state.model.words[state.word]}” by the ${MEANT[sex]}`, button });
  }
  player.onend((button) => { if (button && button === next) turn(button, "male"); });

  function hear() {
    const wanted = state.voice === "both" ? ".turns" : `button[data-sex=${state.voice}]`;
    const button = $("voices").querySelector(wanted) || $("voices").querySelector("button.clip");
    if (button) button.click();
    else announce("There is no sound of it");
  }

  /* ---- the figure ---- */
  function dot(layer, feature, kind, row, column) {
    const mine = seen(kind);
    return make("a", { class: `dot ${mine}`, "data-kind": mine, "data-row": row, "data-column": column, tabindex: -1,
      href: link("features", { model: state.model.name, feature: `${layer}/${feature}` }),
      "aria-label": `${layer}, feature ${feature}: ${meaning(mine)}` });
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

  function columnOf(layer, at) {
    const cells = entry.layers[at];
    const mean = state.model.means[at];
    const [both, male, female, neither] = counted(cells);
    const either = both + male + female;
    const lit = { both: either, male: both + male, female: both + female }[state.voice];
    const interval = mean && mean.ci_low !== null && mean.ci_high !== null ? `${spelt(mean.ci_low)}–${spelt(mean.ci_high)}` : "";
    return {
      bar: make("td", {}, bar(both, either, mean)),
      lit: make("td", {}, String(lit), make("small", {}, `of ${either + neither}`)),
      own: make("td", {}, make("b", {}, either ? spelt(both / either) : "–"), make("small", {}, `${both} of ${either}`)),
      mean: make("td", {}, mean ? spelt(mean.overlap) : "–", make("small", {}, interval)),
      alike: make("td", {}, mean ? spelt(mean.alike) : "–"),
      chance: make("td", {}, mean ? spelt(mean.chance) : "–"),
    };
  }

  function table() {
    const layers = state.model.layers;
    const tallest = Math.max(...entry.layers.map(({ features }) => features.length));
    const head = make("tr", {}, make("td"), ...layers.map((layer) => make("th", { scope: "col" }, make("a", { href: link("layers", { model: state.model.name, layer }) }, layer))));
    const rows = Array.from({ length: tallest }, (_, row) => make("tr", {},
      ...(row ? [] : [make("th", { scope: "rowgroup", rowspan: tallest }, "features")]),
      ...layers.map((layer, column) => {
        const { features, kinds } = entry.layers[column];
        return make("td", {}, ...(row < features.length ? [dot(layer, features[row], KINDS[kinds[row]], row, column)] : []));
      })));
    const columns = layers.map(columnOf);
    const whole = entry.layers.every(({ counts }) => counts);
    const pairs = Math.max(0, ...state.model.means.map((mean) => (mean && mean.n_pairs) || 0));
    const of = whole ? "whole layer" : "of the dots shown";
    const says = {
      lit: ["activated", `${{ both: "by either", female: "by the woman", male: "by the man" }[state.voice]}, ${of}`],
      bar: ["overlap", "0 to 1"],
      own: ["this pair", `both / either, ${of}`],
      mean: ["all pairs", pairs ? `mean of ${pairs}` : ""],
      alike: ["one sex", "two of one sex"],
      chance: ["chance", ""],
    };
    const foot = Object.entries(says).map(([name, [title, more]]) => make("tr", { class: `row-${name}` },
      make("th", { scope: "row" }, title, make("small", {}, more)), ...columns.map((column) => column[name])));
    const sheet = make("table", { class: layers.length > 14 ? "many" : "" },
      make("caption", { class: "sr" }, `Features of each layer that “${state.model.words[state.word]}” activates`),
      make("thead", {}, head), make("tbody", {}, ...rows), make("tbody", { class: "numbers" }, ...foot));
    const first = sheet.querySelector(".dot");
    if (first) first.tabIndex = 0;
    return sheet;
  }

  function legend() {
    const own = state.voice === "both" ? ["both", "female", "male", "neither"] : ["both", state.voice, "neither"];
    $("legend").replaceChildren(
      ...own.map((kind) => make("li", {}, make("i", { class: `dot ${kind}` }), meaning(kind))),
      make("li", {}, make("i", { class: "key own" }), "overlap of this pair"),
      make("li", {}, make("i", { class: "key mean" }), "mean of all pairs, 95 %"),
      make("li", {}, make("i", { class: "key chance" }), "chance"));
  }

  function draw() {
    const scrolled = $("dots").firstChild ? $("dots").scrollLeft : 0;
    $("word").textContent = `“${state.model.words[state.word]}”`;
    legend();
    $("dots").replaceChildren(table());
    $("dots").scrollLeft = scrolled;
  }

  async function show() {
    const turnOf = ++asked;
    const { model, word } = state;
    const block = await shard(`words/${model.place}/${Math.floor(word / all.block)}`);
    if (turnOf !== asked) return;
    player.stop();
    next = null;
    entry = block[word % all.block];
    $("figure").hidden = false;
    voices();
    draw();
    setHash({ model: model.name, word: model.words[word], voice: state.voice === "both" ? "" : state.voice });
  }

  function choose(word) {
    state.word = word;
    const had = $("chips").contains(document.activeElement);
    chips();
    const here = $("chips").querySelector('[aria-pressed="true"]');
    if (here) {
      const box = $("chips");
      box.scrollTop = Math.max(here.offsetTop - box.clientHeight / 2, 0);
      if (had) here.focus({ preventScroll: true });
    }
    announce(state.model.words[word]);
    return show().catch(otoscope.complain);
  }

  function switchVoice(value) {
    state.voice = value;
    document.querySelector(`input[name=voice][value=${value}]`).checked = true;
    if (!entry) return;
    draw();
    setHash({ ...hash(), voice: value === "both" ? "" : value });
    announce(value === "both" ? "both voices" : `the ${MEANT[value]}'s voice`);
  }

  /* ---- pointing and keys ---- */
  const point = (mark) => { $("told").textContent = mark.getAttribute("aria-label"); };
  $("dots").addEventListener("pointerover", (event) => { const mark = event.target.closest(".dot"); if (mark) point(mark); });
  $("dots").addEventListener("focusin", (event) => { const mark = event.target.closest(".dot"); if (mark) point(mark); });
  $("dots").addEventListener("keydown", (event) => {
    const move = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
    const here = event.target.closest(".dot");
    if (!move || !here) return;
    event.preventDefault();
    event.stopPropagation();
    const to = $("dots").querySelector(`.dot[data-column="${Number(here.dataset.column) + move[0]}"][data-row="${Number(here.dataset.row) + move[1]}"]`);
    if (!to) return;
    here.tabIndex = -1;
    to.tabIndex = 0;
    to.focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, audio")) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      const word = state.word + step;
      if (word >= 0 && word < state.model.words.length) choose(word);
    } else if (event.key === "s") switchVoice(state.voice === "male" ? "female" : "male");
    else if (event.key === " " && !event.target.closest("button:not([data-word]), summary")) hear();
    else return;
    event.preventDefault();
  });

  /* ---- controls ---- */
  function useModel(name) {
    const word = state.model.words[state.word];
    state.model = all.models.find((model) => model.name === name) || all.models[0];
    $("model").value = state.model.name;
    return Math.max(0, state.model.words.indexOf(word));
  }
  function follow() {
    const { model, word, voice: wanted } = hash();
    const kept = useModel(model || state.model.name);
    const at = state.model.words.indexOf(word);
    if (wanted in MEANT) switchVoice(wanted);
    choose(at < 0 ? kept : at);
  }
  $("model").addEventListener("change", () => choose(useModel($("model").value)));
  $("sought").addEventListener("input", chips);
  document.querySelectorAll("input[name=voice]").forEach((input) => input.addEventListener("change", () => switchVoice(chosen())));
  onHash(follow);
  follow();
}).catch(otoscope.complain);
