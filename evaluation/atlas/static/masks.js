"use strict";
/* Importance masks: frames, mask and masked frames drawn over time, the search, and how it sounds. */
otoscope.shard("masks").then((all) => {
  const { $, make, shard, hash, setHash, onHash, isDark, onTheme, announce, player, playButton, plot } = otoscope;
  const NS = "http://www.w3.org/2000/svg";
  const NAMES = { mask: "importance", random: "random", energy: "energy" };
  const PICTURE_MS = 160;
  const state = { model: all.models[0], utterance: 0, mask: 0, shown: "mask", step: 0 };
  let heard = null; // the shard of the utterance
  let one = null; // its mask that is shown
  let drawn = null; // its unpacked arrays
  let current = null; // button of the sound that the space bar plays
  let asked = 0;

  const percent = (share, digits = 0) => (share === null || share === undefined ? "–" : `${(100 * share).toFixed(digits)} %`);
  const number = (value, digits = 2) => (value === null || value === undefined ? "–" : value.toFixed(digits));
  const seconds = () => heard.duration_s || 1;
  const place = (time) => `${(100 * time / seconds()).toFixed(3)}%`;
  const stretch = (begin, end) => `left:${place(begin)};width:${place(Math.max(end - begin, 0))}`;
  const named = ({ scope, label }) => (scope === "utterance" ? "the whole utterance" : `the ${scope} “${label}”`);

  /* ---- what stands in the shards ---- */
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  function unpacked(text, count) {
    const packed = bytes(text);
    return Uint8Array.from({ length: count }, (_, i) => (packed[i >> 3] >> (7 - (i & 7))) & 1);
  }
  function open(arrays) {
    if (!arrays) return null;
    const count = arrays.frames * arrays.bands;
    const kept = Object.fromEntries(Object.entries(arrays.kept).map(([name, text]) => [name, unpacked(text, count)]));
    return { ...arrays, count, kept, pixels: bytes(heard.inputs[arrays.input]), shots: arrays.snapshots.map((text) => unpacked(text, count)) };
  }
  const shot = () => (state.shown === "mask" ? drawn.shots[state.step] : drawn.kept[state.shown]);

  /* ---- pictures ---- */
  const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  function colours() {
    const dark = isDark();
    return {
      zero: rgb(dark ? "#1c1e25" : "#ffffff"), above: rgb(dark ? "#ff9270" : "#b2182b"), below: rgb(dark ? "#63b1ff" : "#1f5fae"),
      kept: rgb(dark ? "#f2f2f5" : "#1d1f24"), out: rgb(dark ? "#1c1e25" : "#ffffff"),
    };
  }
  /* Colours of the 256 levels: none at the mean, the deepest at the 99th percentile. */
  function scale({ low, high, level }) {
    const { zero, above, below } = colours();
    return Array.from({ length: 256 }, (_, i) => {
      const value = (low + (high - low) * i / 255) / level;
      const size = Math.min(Math.abs(value), 1);
      const end = value < 0 ? below : above;
      return zero.map((part, c) => Math.round(part + (end[c] - part) * size));
    });
  }
  function paint(canvas, colour) {
    const { frames, bands } = drawn;
    const picture = new ImageData(frames, bands);
    for (let frame = 0; frame < frames; frame++) {
      for (let band = 0; band < bands; band++) {
        const to = 4 * ((bands - 1 - band) * frames + frame);
        const [r, g, b] = colour(frame * bands + band);
        picture.data[to] = r; picture.data[to + 1] = g; picture.data[to + 2] = b; picture.data[to + 3] = 255;
      }
    }
    canvas.getContext("2d").putImageData(picture, 0, 0);
  }
  function pictures(still = true) {
    if (!drawn) return;
    const of = scale(drawn);
    const { zero, kept, out } = colours();
    const mask = shot();
    if (still) paint($("input"), (i) => of[drawn.pixels[i]]);
    paint($("mask"), (i) => (mask[i] ? kept : out));
    paint($("masked"), (i) => (mask[i] ? of[drawn.pixels[i]] : zero));
    const share = mask.reduce((total, entry) => total + entry, 0) / drawn.count;
    const last = state.step === drawn.shots.length - 1;
    const text = state.shown === "mask"
      ? `step ${drawn.steps[state.step]} of ${drawn.steps[drawn.steps.length - 1]}${last ? ", the result" : ""}: ${percent(share, 1)} kept`
      : `${NAMES[state.shown]}: ${percent(share, 1)} kept`;
    $("at").textContent = text;
    $("step").setAttribute("aria-valuetext", text);
  }

  /* ---- lanes over one axis of time ---- */
  function lane(name, more, content, height, below = null) {
    const track = make("div", { class: "track", style: height ? `height:${height}px` : null }, ...content);
    return make("div", { class: "lane" }, make("div", { class: "name" }, ...name, make("small", {}, more)), track, ...(below ? [below] : []));
  }
  function picture(id, label) {
    const { frames, bands, frame_s } = drawn;
    const canvas = make("canvas", { id, width: frames, height: bands, role: "img", "aria-label": label, style: stretch(-frame_s / 2, (frames - 0.5) * frame_s) });
    return [canvas, ...(drawn.required ? [make("i", { class: "required", style: stretch(drawn.required.start_s, drawn.required.end_s) })] : [])];
  }
  /* Words lie on two lines in turn, so that each has the room of two. */
  function words() {
    const { said } = drawn;
    return said.map(({ label, start_s, end_s }, at) => make("span", { class: `word line${at % 2}`, title: `${label}, ${start_s.toFixed(2)} to ${end_s.toFixed(2)} s`,
      style: stretch(start_s, at + 2 < said.length ? said[at + 2].start_s : seconds()) }, label));
  }
  function axis() {
    const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60].find((size) => seconds() / size <= 9) || 120;
    return Array.from({ length: Math.floor(seconds() / step) + 1 }, (_, i) => make("span", { class: "tick", style: `left:${place(i * step)}` }, `${+(i * step).toFixed(1)}${i ? "" : " s"}`));
  }
  function wave(outline, kind) {
    const low = new Int8Array(bytes(outline.low).buffer);
    const high = new Int8Array(bytes(outline.high).buffer);
    const top = Array.from(high, (value, i) => `${i ? "L" : "M"}${i + 0.5} ${(127 - value)}`);
    const bottom = Array.from(low, (value, i) => `L${i + 0.5} ${(127.6 - value)}`).reverse();
    const path = document.createElementNS(NS, "path");
    path.setAttribute("d", `${top.join("")}${bottom.join("")}Z`);
    path.setAttribute("class", kind);
    return [path, low.length];
  }
  function waveform(sound, natural) {
    const svg = document.createElementNS(NS, "svg");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    const [path, width] = wave(sound.outline, "wave");
    if (sound.name.startsWith("muted") && natural && natural.outline) svg.append(wave(natural.outline, "gone")[0]);
    svg.append(path);
    svg.setAttribute("viewBox", `0 0 ${width} 255`);
    return svg;
  }
  function voice(sound, at, natural) {
    const button = playButton(sound.src, `${sound.name}: ${sound.text || "nothing"}`);
    button.dataset.sound = at;
    const quiet = (sound.quiet || []).map(([begin, end]) => make("i", { class: "quiet", style: stretch(begin, Math.min(end, seconds())) }));
    const content = sound.outline ? [...quiet, waveform(sound, natural)] : [make("p", { class: "soft" }, "this sound is missing or broken")];
    const verdict = sound.name === "natural" ? "" : sound.preserved ? "same transcript" : `CER ${number(sound.cer, 0)} %`;
    const more = sound.name.startsWith("muted") ? `${percent(sound.muted_share)} muted` : "";
    const below = make("p", { class: "heard" }, make("q", {}, sound.text || " "), make("small", { class: sound.preserved ? "same" : "" }, verdict));
    return lane([button, make("b", {}, sound.name)], more, content, 46, below);
  }
  function lanes() {
    const natural = one.sounds.find((sound) => sound.name === "natural");
    const parts = drawn ? [
      lane([make("b", {}, "words")], "where CTC says them", words(), 40),
      lane([make("b", {}, "input")], `${drawn.bands} bands, normalised`, picture("input", "The normalised frames of the input"), 130),
      lane([make("b", {}, "mask")], "kept entries are dark", picture("mask", "The mask"), 130),
      lane([make("b", {}, "masked input")], "the rest at its mean", picture("masked", "The masked frames"), 130),
      lane([], "", axis(), 20),
    ] : fallback();
    $("lanes").style.setProperty("--seconds", seconds());
    $("lanes").replaceChildren(...parts, ...one.sounds.map((sound, at) => voice(sound, at, natural)),
      ...(one.sounds.length ? [lane([], "", axis(), 20)] : [make("p", { class: "empty" }, "This mask has no sounds.")]));
    current = $("lanes").querySelector("button.clip");
  }
  /* Masks of before the frames were kept: the picture of the run. */
  function fallback() {
    const parts = [make("p", { class: "notes" }, "The frames of this mask are not in the run, or cannot be read; otoscope mask RUN --output RUN keeps them. Its picture is shown instead.")];
    if (one.picture) parts.push(make("img", { src: one.picture, alt: `Mask, masked frames and frames of ${heard.id}`, class: "still" }));
    if (one.animation) parts.push(make("p", {}, make("a", { href: one.animation }, "How it was found, as an animation")));
    return parts;
  }

  /* ---- the search ---- */
  let timer = null;
  function halt() {
    clearInterval(timer);
    timer = null;
    $("animate").setAttribute("aria-pressed", "false");
    $("animate").textContent = "▶ the search";
  }
  function go(step) {
    if (!drawn) return;
    state.step = Math.min(Math.max(step, 0), drawn.shots.length - 1);
    $("step").value = state.step;
    pictures(false);
  }
  function use(name) {
    halt();
    state.shown = name;
    document.querySelectorAll("#which input").forEach((input) => { input.checked = input.value === name; });
    for (const id of ["step", "animate"]) $(id).disabled = name !== "mask";
    document.querySelectorAll("#controls tbody tr").forEach((row) => row.classList.toggle("here", row.dataset.mask === name));
    pictures(false);
  }
  $("animate").addEventListener("click", () => {
    if (timer) { halt(); return; }
    $("animate").setAttribute("aria-pressed", "true");
    $("animate").textContent = "❚❚ the search";
    if (state.step === drawn.shots.length - 1) go(0);
    timer = setInterval(() => { if (state.step === drawn.shots.length - 1) halt(); else go(state.step + 1); }, PICTURE_MS);
  });
  $("step").addEventListener("input", () => { halt(); go(Number($("step").value)); });

  function tools() {
    $("search").hidden = !drawn;
    if (!drawn) return;
    $("which").replaceChildren(make("legend", {}, "Mask"), ...Object.keys(NAMES).filter((name) => drawn.kept[name]).map((name) => {
      const input = make("input", { type: "radio", name: "which", value: name });
      input.addEventListener("change", () => use(name));
      return make("label", {}, input, NAMES[name]);
    }));
    $("step").max = drawn.shots.length - 1;
    state.step = drawn.shots.length - 1;
    $("step").value = state.step;
  }

  /* ---- tables and curves ---- */
  function controls() {
    const head = ["mask", "kept", "frames preserved", "transcript", "insertion", "deletion", "what it says then"];
    const numeric = (at) => at > 0 && at < 6 && at !== 3;
    $("controls").replaceChildren(
      make("thead", {}, make("tr", {}, ...head.map((text, at) => make("th", { scope: "col", class: numeric(at) ? "right" : null }, text)))),
      make("tbody", {}, ...one.rows.map((row) => make("tr", { "data-mask": row.mask },
        ...[NAMES[row.mask] || row.mask, percent(row.share_kept, 1), `${percent(row.frames_preserved)} of ${row.frames ?? "–"}`,
          row.transcript_preserved === 1 ? "the same" : "another", number(row.insertion_area), number(row.deletion_area), row.text || "nothing"]
          .map((text, at) => make("td", { class: numeric(at) ? "right" : at === 3 && row.transcript_preserved !== 1 ? "bad" : null }, text))))));
  }
  function charts(id, figures, what) {
    const ways = Object.entries(figures || {});
    $(id).replaceChildren(...ways.map(([way, figure]) => {
      const div = make("div", { class: "plot", role: "img", "aria-label": `${way} curves of ${what}: frames that keep their class` });
      const box = make("figure", {}, make("figcaption", {}, way[0].toUpperCase() + way.slice(1)), div);
      queueMicrotask(() => plot(div, figure));
      return box;
    }));
  }

  /* ---- the cursor, while a sound plays ---- */
  let frame = 0;
  function follow() {
    cancelAnimationFrame(frame);
    const mine = current && player.pressed() === current;
    $("figure").classList.toggle("playing", Boolean(mine));
    if (!mine) return;
    $("lanes").style.setProperty("--at", Math.min(player.time() / seconds(), 1));
    frame = requestAnimationFrame(follow);
  }
  player.onplay((button) => {
    if (button && $("lanes").contains(button)) { current = button; setTimeout(follow); }
  });
  player.onend(follow);
  $("lanes").addEventListener("click", (event) => {
    const track = event.target.closest(".track");
    if (!track || !current || !current.dataset.sound) return;
    const row = track.closest(".lane").querySelector("button.clip") || current;
    const box = track.getBoundingClientRect();
    const at = seconds() * (event.clientX - box.left) / box.width;
    const sound = one.sounds[Number(row.dataset.sound)];
    if (player.pressed() === row && player.playing()) player.audio.currentTime = at;
    else player.play({ src: sound.src, label: `${sound.name}: ${sound.text || "nothing"}`, button: row, at });
  });

  /* ---- which mask ---- */
  function options(select, entries, at) {
    select.replaceChildren(...entries.map((text, value) => make("option", { value }, text)));
    select.value = at;
  }
  function draw() {
    one = heard.masks[state.mask];
    drawn = open(one.arrays);
    const { name } = state.model;
    $("figure").hidden = false;
    const kept = one.rows.find((row) => row.mask === "mask");
    $("said").textContent = `“${heard.text || one.label || heard.id}”`;
    $("facts").textContent = [name, heard.id, heard.speaker && `speaker ${heard.speaker}`, `${number(heard.duration_s, 1)} s`,
      `to keep ${named(one)}: ${kept ? percent(kept.share_kept, 1) : "–"} of the entries`].filter(Boolean).join(" · ");
    $("remark").hidden = !one.remark;
    $("remark").textContent = one.remark;
    tools();
    lanes();
    controls();
    use("mask");
    pictures();
    charts("curves", one.curves, "this mask");
    charts("means", state.model.means[one.scope], `all ${one.scope} masks of ${name}`);
    if ($("means-title")) $("means-title").textContent = `Mean curves: ${name}, ${one.scope}`;
    const { scope, span } = one;
    setHash({ model: name, utterance: heard.id, scope: scope === "utterance" ? "" : scope, span });
  }
  async function show() {
    const turn = ++asked;
    const { model, utterance } = state;
    options($("utterance"), model.utterances.map(({ id, text }) => (text ? `${id}: ${text}` : id)), utterance);
    options($("scope"), model.utterances[utterance].masks.map(named), state.mask);
    $("model").value = model.name;
    const found = await shard(`masks/${model.place}/${utterance}`);
    if (turn !== asked) return;
    halt();
    player.stop();
    heard = found;
    draw();
  }
  /* The same kind of mask of another utterance, else its first one. */
  function choose(utterance, scope, span) {
    const { masks } = state.model.utterances[utterance];
    const exact = masks.findIndex((mask) => mask.scope === scope && (!span || mask.span === span));
    const alike = masks.findIndex((mask) => mask.scope === scope);
    state.utterance = utterance;
    state.mask = Math.max(exact >= 0 ? exact : alike, 0);
    return show().catch(otoscope.complain);
  }
  const scoped = () => (one ? one.scope : "utterance");
  function useModel(name) {
    const id = state.model.utterances[state.utterance].id;
    state.model = all.models.find((model) => model.name === name) || all.models[0];
    return Math.max(0, state.model.utterances.findIndex((utterance) => utterance.id === id));
  }
  function read() {
    const { model, utterance, scope, span } = hash();
    const kept = useModel(model || state.model.name);
    const at = state.model.utterances.findIndex(({ id }) => id === utterance);
    choose(at < 0 ? kept : at, scope || "utterance", span);
  }
  $("model").addEventListener("change", () => choose(useModel($("model").value), scoped()));
  $("utterance").addEventListener("change", () => choose(Number($("utterance").value), scoped()));
  $("scope").addEventListener("change", () => { state.mask = Number($("scope").value); show().catch(otoscope.complain); });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, audio") || !heard) return;
    const buttons = [...$("lanes").querySelectorAll(".clip")];
    const onButton = event.target.closest("button, summary, a");
    if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      const to = state.utterance + (event.key === "ArrowDown" ? 1 : -1);
      if (to >= 0 && to < state.model.utterances.length) {
        choose(to, scoped());
        announce(`utterance ${state.model.utterances[to].id}`);
      }
    } else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      if (!drawn || state.shown !== "mask") return;
      halt();
      go(state.step + (event.key === "ArrowRight" ? 1 : -1));
    } else if (event.key === " " && !onButton && current) current.click();
    else if (/^[1-9]$/.test(event.key) && buttons[event.key - 1] && buttons[event.key - 1].dataset.sound) buttons[event.key - 1].click();
    else return;
    event.preventDefault();
  });
  onTheme(() => pictures());
  onHash(read);
  read();
}).catch(otoscope.complain);
