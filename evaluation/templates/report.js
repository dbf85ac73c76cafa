(() => {
  const { $, parsed, make, blobUrl } = otoscope;
  const figures = parsed("figures");
  const samples = parsed("samples");

  /* ---- theme ---- */
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (document.documentElement.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
  $("theme").addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    redraw();
  });
  system.addEventListener("change", () => redraw());

  /* ---- curves ---- */
  const checked = (name) => new Set([...document.querySelectorAll(`#curves input[name=${name}]:checked`)].map((box) => box.value));
  const faint = (colour) => colour + "33";
  const drawn = new Set();

  function themed(trace, dark) {
    const colour = trace.meta ? trace.meta[dark ? "dark" : "light"] : null;
    if (!colour) return trace;
    const copy = { ...trace };
    if (trace.meta.role === "band") copy.fillcolor = faint(colour);
    else copy.line = { ...trace.line, color: colour };
    if (trace.marker) copy.marker = { ...trace.marker, color: colour };
    return copy;
  }

  function draw(plot) {
    const figure = figures[plot.id];
    if (!figure) return;
    const dark = isDark();
    const models = checked("model");
    const conditions = checked("condition");
    const inCurves = plot.closest("#curves") !== null;
    const shown = figure.data.filter((trace) => !inCurves || !trace.meta ||
      ((trace.meta.model === "" || models.has(trace.meta.model)) && conditions.has(trace.meta.condition)));
    const ink = dark ? "#c9cbd3" : "#4a4d54";
    const grid = dark ? "#30333d" : "#ebe7de";
    const axis = { gridcolor: grid, zeroline: false, linecolor: grid, fixedrange: true, automargin: true };
    const layout = {
      ...figure.layout,
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: "system-ui, 'Liberation Sans', sans-serif", size: 12, color: ink },
      hoverlabel: { bgcolor: dark ? "#2a2d36" : "#ffffff", bordercolor: grid, font: { color: dark ? "#f0f0f3" : "#1d1f24" }, align: "left" },
      xaxis: { ...figure.layout.xaxis, ...axis }, yaxis: { ...figure.layout.yaxis, ...axis },
      legend: { ...figure.layout.legend, itemclick: "toggle", itemdoubleclick: "toggleothers" },
    };
    Plotly.react(plot, shown.map((trace) => themed(trace, dark)), layout, { displayModeBar: false, responsive: true });
    drawn.add(plot);
  }

  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting && !drawn.has(entry.target)) draw(entry.target);
  }, { rootMargin: "600px" });
  document.querySelectorAll(".plot").forEach((plot) => watcher.observe(plot));
  addEventListener("beforeprint", () => document.querySelectorAll(".plot").forEach((plot) => { if (plot.offsetParent) draw(plot); }));
  const redraw = () => drawn.forEach((plot) => { if (plot.offsetParent) draw(plot); else drawn.delete(plot); });

  function filter() {
    const along = document.querySelector("#curves input[name=along]:checked");
    if (!along) return;
    document.body.dataset.along = along.value;
    const models = checked("model");
    const conditions = checked("condition");
    document.querySelectorAll("#curves .panels figure").forEach((figure) => {
      const names = along.value === "condition" ? conditions : models;
      figure.hidden = figure.dataset.along !== along.value || !names.has(figure.dataset.name);
    });
    document.querySelectorAll("#curves .panels").forEach((panels) => {
      panels.dataset.count = panels.querySelectorAll("figure:not([hidden])").length;
    });
    document.querySelectorAll(".matrix tr[data-model]").forEach((row) => {
      row.hidden = !models.has(row.dataset.model) || !conditions.has(row.dataset.condition);
    });
    document.querySelectorAll("#curves .plot").forEach((plot) => {
      if (drawn.has(plot) && plot.offsetParent) { draw(plot); Plotly.Plots.resize(plot); }
      else { drawn.delete(plot); watcher.unobserve(plot); watcher.observe(plot); }
    });
  }
  document.querySelectorAll("#curves .switches input").forEach((input) => input.addEventListener("change", filter));
  filter();

  /* ---- listening ---- */
  if (!samples.length) return;
  const distinct = (name) => [...new Set(samples.map((sample) => sample[name]))];
  const utterances = distinct("utterance");
  const conditions = distinct("condition");
  const models = distinct("model").filter((model) => model !== "reference");
  const layers = distinct("layer");
  const references = ["natural", "copy-synthesis", "mean-mel"].filter((layer) => layers.includes(layer));
  const tints = Object.fromEntries([...document.querySelectorAll("#curves input[name=model]")]
    .map((box) => [box.value, box.parentElement.querySelector(".key").getAttribute("style")]));
  const audio = $("audio");
  let pressed = null;
  let queue = [];

  utterances.forEach((utterance) => {
    const first = samples.find((sample) => sample.utterance === utterance);
    $("utterance").append(make("option", { value: utterance }, first.speaker ? `${utterance} (speaker ${first.speaker})` : utterance));
  });
  conditions.forEach((condition, at) => $("listen-conditions").append(make("label", {},
    make("input", { type: "radio", name: "listen-condition", value: condition, checked: at === 0 }), condition)));
  models.forEach((model) => $("listen-models").append(make("label", {},
    make("input", { type: "checkbox", name: "listen-model", value: model, checked: true }), model)));

  const urls = new Map();
  function address(sample, kind, type) {
    const key = samples.indexOf(sample) + kind;
    if (!urls.has(key)) urls.set(key, blobUrl(sample[kind], type));
    return urls.get(key);
  }

  function axis(seconds) {
    const line = make("div", { class: "axis", "aria-hidden": "true" });
    const step = [0.2, 0.5, 1, 2, 5, 10, 30].find((size) => seconds / size <= 6) || 60;
    for (let at = 0; at <= seconds * 0.97; at += step) {
      line.append(make("span", { style: `left:${100 * at / seconds}%` }, at === 0 ? "0 s" : String(+at.toFixed(1))));
    }
    return line;
  }

  function stop() {
    if (pressed) {
      pressed.setAttribute("aria-pressed", "false");
      pressed.querySelector(".sign").textContent = "▶";
    }
    pressed = null;
  }

  function play(button) {
    stop();
    pressed = button;
    button.setAttribute("aria-pressed", "true");
    button.querySelector(".sign").textContent = "❚❚";
    const sample = button.sample;
    document.querySelector(".transport").hidden = false;
    $("playing").textContent = button.title;
    audio.src = address(sample, "sound", "audio/flac");
    audio.play().catch(() => { $("playing").textContent = `${button.title}: this browser cannot play it`; stop(); });
  }

  function tick() {
    if (pressed && audio.duration) {
      pressed.querySelector(".cursor").style.left = `${100 * audio.currentTime / audio.duration}%`;
    }
    if (pressed && !audio.paused) requestAnimationFrame(tick);
  }
  audio.addEventListener("play", tick);
  audio.addEventListener("seeked", tick);
  audio.addEventListener("ended", () => {
    stop();
    const next = queue.shift();
    if (next) { play(next); next.scrollIntoView({ block: "nearest" }); }
  });

  function cell(sample, label) {
    const model = sample && sample.model === "reference" ? "reference" : "";
    const box = make("div", { class: `cell ${model}` }, make("span", { class: "own" }, label));
    if (!sample) { box.append(make("div", { class: "gone" }, "not rendered")); return box; }
    if (sample.left_out) { box.append(make("div", { class: "gone" }, "not inside this page: ", make("code", {}, sample.audio))); return box; }
    const title = `${sample.layer}${model ? "" : ", " + sample.model}, ${sample.condition}`;
    const picture = make("span", { class: "pic" });
    if (sample.image) picture.append(make("img", { src: address(sample, "image", "image/png"), alt: "" }));
    picture.append(make("span", { class: "cursor" }), make("span", { class: "sign", "aria-hidden": "true" }, "▶"));
    const button = make("button", { type: "button", class: "hear", title, "aria-label": `Play ${title}`, "aria-pressed": "false", disabled: !sample.sound }, picture);
    button.sample = sample;
    button.addEventListener("click", () => {
      queue = [];
      if (pressed === button && !audio.paused) { audio.pause(); stop(); } else play(button);
    });
    box.append(button);
    if (sample.bare && sample.seconds) box.append(axis(sample.seconds));
    if (!sample.sound) box.append(make("div", { class: "gone" }, "no sound at ", make("code", {}, sample.audio)));
    return box;
  }

  function lay() {
    stop();
    audio.pause();
    queue = [];
    const utterance = $("utterance").value;
    const condition = document.querySelector("input[name=listen-condition]:checked").value;
    const shown = models.filter((model) => document.querySelector(`input[name=listen-model][value="${CSS.escape(model)}"]`).checked);
    const mine = samples.filter((sample) => sample.utterance === utterance && sample.condition === condition);
    const of = (model, layer) => mine.find((sample) => sample.model === model && sample.layer === layer);
    const said = mine.find((sample) => sample.text);
    $("said").replaceChildren(...(said ? [`“${said.text}”`] : []));
    const grid = $("grid");
    grid.replaceChildren();
    const columns = Math.max(shown.length, references.length, 1);
    grid.style.setProperty("--columns", columns);
    const spare = (count) => { for (let at = 0; at < columns - count; at++) grid.append(make("div", { class: "spare" })); };
    if (references.length) {
      grid.append(make("div", { class: "layer" }, "to compare"));
      references.forEach((layer) => grid.append(cell(of("reference", layer), layer)));
      spare(references.length);
    }
    if (!shown.length) return;
    grid.append(make("div", { class: "corner" }, "layer"));
    shown.forEach((model) => {
      const down = make("button", { type: "button", class: "down", "aria-label": `Play all layers of ${model} from first to last` }, "▶ all layers");
      down.addEventListener("click", () => {
        queue = [...grid.querySelectorAll(".hear:not(:disabled)")].filter((button) => button.sample.model === model);
        const first = queue.shift();
        if (first) play(first);
      });
      grid.append(make("div", { class: "head", style: `${tints[model] || ""};--tint:light-dark(var(--light,#888),var(--dark,#aaa))` }, model, down));
    });
    spare(shown.length);
    layers.filter((layer) => !references.includes(layer)).forEach((layer) => {
      grid.append(make("div", { class: "layer" }, layer));
      shown.forEach((model) => grid.append(cell(of(model, layer), model)));
      spare(shown.length);
    });
    grid.dataset.columns = shown.length;
  }

  $("grid").addEventListener("keydown", (event) => {
    const columns = Math.max(Number($("grid").dataset.columns) || 1, 1);
    const move = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    if (!move || !event.target.classList.contains("hear")) return;
    const buttons = [...$("grid").querySelectorAll(".hear")];
    const next = buttons[buttons.indexOf(event.target) + move];
    if (next) { next.focus(); event.preventDefault(); }
  });
  $("utterance").addEventListener("change", lay);
  document.querySelectorAll(".listen-switches input").forEach((input) => input.addEventListener("change", lay));
  lay();
})();
