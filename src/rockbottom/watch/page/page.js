"use strict";
(() => {
  const POLL_MS = 2000, QUICK_MS = 250, SLOW_MS = 10000, FEW = 8, MOST = 50, ROWS = 12;
  const PERIODS = [["15m", "15 minutes"], ["1h", "hour"], ["24h", "24 hours"], ["7d", "7 days"], ["30d", "30 days"]];
  const at = (id) => document.getElementById(id);
  const state = { period: "1h", side: "auto", paused: false, all: false, tags: false, families: false, shot: null, tag: null, timer: 0, asked: 0, picked: {} };

  // Words ---------------------------------------------------------------------------------------------------
  const count = (value) => Number(value).toLocaleString("en-US");
  const places = (largest) => (largest >= 1 || largest === 0 ? 2 : Math.min(12, 2 - Math.floor(Math.log10(largest))));
  const fixed = (value, digits) => (value < 0 ? "−" : "") + Math.abs(value).toLocaleString("en-US",
    { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const money = (text, digits) => {
    const value = Number(text);
    return value === 0 ? "$0" : (value < 0 ? "−$" : "$") + fixed(Math.abs(value), digits ?? places(Math.abs(value)));
  };
  const share = (value) => value === null ? "–" : value > 0.9995 && value < 1 ? ">99.9%" : fixed(value * 100, 1) + "%";
  const whole = (value) => value === null ? "–" : fixed(value * 100, 0) + "%";
  const short = (value) => value < 10000 ? count(value) : value < 1e6 ? Math.floor(value / 1000) + "k" : fixed(value / 1e6, 1) + "M";
  const ms = (value) => value === null ? "–" : count(Math.round(value)) + " ms";
  const some = (value, one, many) => `${count(value)} ${value === 1 ? one : many}`;
  const days = () => state.shot && state.shot.until - state.shot.since > 86400;
  const time = (seconds, exact) => {
    const shape = days() ? { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" }
      : { hour: "2-digit", minute: "2-digit", ...(exact ? { second: "2-digit" } : {}) };
    return new Date(seconds * 1000).toLocaleString("en-GB", shape);
  };
  const zone = () => new Intl.DateTimeFormat("en-GB", { timeZoneName: "short" })
    .formatToParts(new Date()).find((part) => part.type === "timeZoneName").value;
  const start = (seconds) => {
    const day = (when) => when.toLocaleDateString("en-GB", { month: "short", day: "numeric" });
    const then = new Date(seconds * 1000), today = day(new Date());
    return days() || day(then) === today ? time(seconds) : `${day(then)}, ${time(seconds)}`;
  };
  const colour = (rate) => rate === null ? "" : rate >= 0.7 ? "good" : rate >= 0.4 ? "warn" : "bad";
  const sign = (text) => Number(text) > 0 ? "good" : Number(text) < 0 ? "bad" : "";
  const words = (name) => (PERIODS.find((one) => one[0] === name) || PERIODS[1])[1];

  const reading = (shot) => shot.ledger.share_read < 0.999;

  // Elements ------------------------------------------------------------------------------------------------
  const element = (name, attributes, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) if (value !== null && value !== "") made.setAttribute(key, value);
    made.append(...children.filter((child) => child !== null));
    return made;
  };
  const drawn = (name, attributes, text) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const put = (id, content) => {  // what did not change is left alone: the place of a reader is kept
    const frame = at(id).querySelector(".scroll");
    if (frame.innerHTML !== content.outerHTML) frame.replaceChildren(content);
  };

  // columns: [heading, row => text, {words, head, colour}]; the first one names the row
  const table = (columns, rows) => {
    const head = element("tr", {}, ...columns.map(([heading, , how], index) =>
      element("th", { scope: "col", class: index === 0 || (how && how.words) ? "words" : "" }, heading)));
    const body = rows.map((row) => element("tr", {}, ...columns.map(([heading, text, how], index) => {
      const said = text(row);
      if (index === 0) return element("th", { scope: "row" }, said);
      const tone = how && how.colour ? how.colour(row) : "";
      return element("td", { class: [how && how.words ? "words" : "", tone].join(" ").trim(),
        "data-head": how && how.words ? null : heading }, said);
    })));
    return element("table", {}, element("thead", {}, head), element("tbody", {}, ...body));
  };
  const more = (id, count, all) => {
    at(id).hidden = count <= ROWS;
    at(id).textContent = all ? `Only the dearest ${ROWS}` : `${count - ROWS} more`;
    at(id).setAttribute("aria-expanded", String(all));
  };
  const none = (text) => element("p", { class: "none" }, "✓ " + text);

  // Parts of the page ---------------------------------------------------------------------------------------
  const without = (shot) => shot.by_themselves.length ? "without any caching" : "without caching";
  const headline = (shot) => {
    const total = shot.total, period = words(shot.period);
    if (!total.calls) return `No calls in the last ${period}`;
    const paid = shot.simulated ? "would have cost" : "cost";
    const start = `The last ${period} ${paid} ${money(total.cost_usd)}`;
    const saved = Number(total.saved_usd), names = shot.by_themselves;
    const which = names.length > 1 ? `${names[0]} and others` : names[0];
    const than = without(shot) + (which ? `, that of ${which} by itself included` : "");
    if (saved > 0) return `${start}, ${whole(total.saved_share)} less than ${than}`;
    if (saved < 0) return `${start}, ${money(-saved)} more than ${than}`;
    return `${start}, as much as ${than}`;
  };
  const cards = (shot) => {
    const total = shot.total, rate = shot.usd_per_hour;
    const timed = total.first_ms_p50 !== null;
    const ended = total.failed || total.no_usage;
    return [
      ["Hit rate", share(total.hit_rate), colour(total.hit_rate), `${short(total.read)} of ${short(total.read + total.write + total.input)} prompt tokens`],
      ["Spend", money(total.cost_usd), "", rate === null ? "" : `${money(rate)} an hour` + (shot.usd_per_month === null ? "" : `, ${money(shot.usd_per_month)} in 30 days at this rate`)],
      ["Saved", money(total.saved_usd), sign(total.saved_usd), `of ${money(total.uncached_usd)} ${without(shot)}`],
      ["Lost to misses", money(total.lost_usd), Number(total.lost_usd) > 0 ? "bad" : "", `${some(total.misses, "miss", "misses")}, ${short(total.missed)} tokens`],
      ["Written, never read", total.wasted ? money(total.wasted_usd) : "$0", total.wasted ? "warn" : "", `${short(total.wasted)} of ${short(total.write)} written tokens`],
      ["Per call", total.usd_per_call === null ? "–" : money(total.usd_per_call), "", `${some(total.calls, "call", "calls")}${ended ? `, ${count(total.failed)} failed` : ""}`],
      ["First token", timed ? ms(total.first_ms_p50) : "–", "", timed ? `half of the streams; 95% within ${ms(total.first_ms_p95)}` : "no stream was timed"],
    ].map(([name, figure, tone, more]) => element("div", {}, element("dt", {}, name),
      element("dd", { class: ("figure " + tone).trim() }, figure), element("dd", { class: "more" }, more)));
  };
  const perName = (heading, digits) => [
    [heading, (line) => line.name], ["calls", (line) => count(line.calls)],
    ["hit rate", (line) => share(line.hit_rate), { colour: (line) => colour(line.hit_rate) }],
    ["spend", (line) => line.unpriced && !Number(line.cost_usd) ? "no price" : money(line.cost_usd, digits)],
    ["saved", (line) => money(line.saved_usd, digits), { colour: (line) => sign(line.saved_usd) }],
    ["saved %", (line) => whole(line.saved_share)],
    ["lost", (line) => money(line.lost_usd, digits), { colour: (line) => Number(line.lost_usd) > 0 ? "bad" : "zero" }],
    ["never read", (line) => line.write ? whole(line.wasted_share) : "–"],
    ["a call", (line) => line.usd_per_call === null ? "–" : money(line.usd_per_call)],
  ];
  const digitsOf = (lines, key) => places(Math.max(0, ...lines.map((line) => Math.abs(Number(line[key] ?? 0)))));
  const lost = (line, digits) => line.lost_unpriced && !Number(line.lost_usd) ? "no price" : money(line.lost_usd, digits);

  const tables = (shot) => {
    const causeDigits = digitsOf(shot.causes, "lost_usd");
    put("causes", shot.causes.length ? table([
      ["cause", (one) => one.rule ? `${one.cause} (${one.rule})` : one.cause], ["misses", (one) => count(one.misses)],
      ["tokens", (one) => count(one.missed)], ["lost", (one) => lost(one, causeDigits)],
      ["what to do", (one) => one.fix, { words: true }],
    ], shot.causes) : none("nothing that could have been read was missed"));
    const worst = shot.families.filter((line) => line.missed), worstDigits = digitsOf(worst, "lost_usd");
    put("families", worst.length ? table([
      ["prefix", (line) => line.name], ["lost", (line) => lost(line, worstDigits), { colour: () => "bad" }],
      ["misses", (line) => count(line.misses)], ["missed tokens", (line) => count(line.missed)],
      ["hit rate", (line) => share(line.hit_rate), { colour: (line) => colour(line.hit_rate) }],
      ["calls", (line) => count(line.calls)], ["spend", (line) => money(line.cost_usd, digitsOf(worst, "cost_usd"))],
      ["never read", (line) => line.write ? whole(line.wasted_share) : "–"],
    ], state.families ? worst : worst.slice(0, ROWS)) : none("no prefix lost anything to a miss"));
    more("more-families", worst.length, state.families);
    const missDigits = digitsOf(shot.misses, "lost_usd");
    put("misses", shot.misses.length ? table([
      ["cause", (miss) => miss.cause], ["at", (miss) => time(miss.at, true)], ["tokens", (miss) => count(miss.tokens)],
      ["lost", (miss) => miss.lost_usd === null ? "no price" : money(miss.lost_usd, missDigits)],
      ["what was seen", (miss) => miss.evidence, { words: true }],
      ["where", (miss) => [miss.family || miss.model, ...Object.entries(miss.tags).map(([tag, value]) => `${tag}=${value}`)].join(" · "), { words: true }],
    ], shot.misses.slice(0, state.all ? MOST : FEW)) : none("no misses"));
    at("more").hidden = shot.misses.length <= FEW;
    at("more").textContent = state.all ? `Only the latest ${FEW}` : `The latest ${shot.misses.length}`;
    at("more").setAttribute("aria-expanded", String(state.all));
    const models = perName("model", digitsOf(shot.models, "cost_usd"));
    models.push(["first token", (line) => ms(line.first_ms_p50)], ["95%", (line) => ms(line.first_ms_p95)]);
    put("models", table(models, shot.models));
    at("tags").hidden = !shot.tags.length;
    put("tags", table(perName("tag", digitsOf(shot.tags, "cost_usd")), state.tags ? shot.tags : shot.tags.slice(0, ROWS)));
    more("more-tags", shot.tags.length, state.tags);
  };

  // Charts --------------------------------------------------------------------------------------------------
  const barWords = (bar, shot) => {
    const when = shot.bar_s >= 86400 ? `from ${time(bar.at)}` : `${time(bar.at)} to ${time(bar.at + shot.bar_s)}`;
    if (!bar.calls) return `${when}: no calls`;
    return `${when}: ${money(bar.cost_usd)} ${shot.simulated ? "simulated" : "paid"}, ${money(bar.uncached_usd)} ${without(shot)}, `
      + `${some(bar.calls, "call", "calls")}, ${some(bar.misses, "miss", "misses")}, hit rate ${share(bar.hit_rate)} `
      + `(${short(bar.read)} read, ${short(bar.write)} written, ${short(bar.input)} uncached)`;
  };
  const chart = (id, shot, peak, label, summary, parts) => {
    const frame = at(id), width = Math.max(260, frame.clientWidth), height = frame.clientHeight || 170;
    const low = height - 20, high = 18, wide = width / shot.bars.length;
    const svg = drawn("svg", { viewBox: `0 0 ${width} ${height}`, tabindex: "0", role: "img", "aria-label": summary, preserveAspectRatio: "none" });
    svg.append(drawn("text", { x: 0, y: 11 }, label), drawn("line", { class: "axis", x1: 0, x2: width, y1: high, y2: high }),
      drawn("line", { class: "axis", x1: 0, x2: width, y1: low, y2: low }));
    const tall = (value) => peak ? (low - high) * value / peak : 0;
    shot.bars.forEach((bar, index) => {
      for (const [kind, from, to] of parts(bar)) {
        const size = tall(to) - tall(from);
        if (size > 0) svg.append(drawn("rect", { class: kind, x: index * wide + wide * 0.12, width: wide * 0.76, y: low - tall(to), height: size }));
      }
      const pick = drawn("rect", { class: "pick", x: index * wide, width: wide, y: high, height: low - high, "data-bar": index });
      pick.addEventListener("pointerenter", () => pickBar(id, index));
      svg.append(pick);
    });
    const marks = [[0, "start"], [Math.floor(shot.bars.length / 2), "middle"], [shot.bars.length - 1, "end"]];
    for (const [index, anchor] of marks) {
      const x = anchor === "start" ? 0 : anchor === "end" ? width : (index + 0.5) * wide;
      svg.append(drawn("text", { x, y: height - 5, "text-anchor": anchor }, anchor === "end" ? "now" : time(shot.bars[index].at)));
    }
    svg.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      const last = shot.bars.length - 1, now = state.picked[id] ?? last + (step === 1 ? -1 : 1);
      if (step) pickBar(id, Math.min(last, Math.max(0, now + step)));
      else if (event.key === "Home") pickBar(id, 0);
      else if (event.key === "End") pickBar(id, last);
      else return;
      event.preventDefault();
    });
    const focused = frame.contains(document.activeElement);
    frame.replaceChildren(svg);
    if (focused) svg.focus({ preventScroll: true });
    if (state.picked[id] !== undefined && state.picked[id] < shot.bars.length) mark(id);
  };
  const mark = (id) => at(id).querySelectorAll(".pick").forEach((one) =>
    one.classList.toggle("on", Number(one.getAttribute("data-bar")) === state.picked[id]));
  const pickBar = (id, index) => {
    for (const other of Object.keys(state.picked)) if (other !== id) { delete state.picked[other]; mark(other); }
    state.picked[id] = index;
    mark(id);
    at("tip").textContent = barWords(state.shot.bars[index], state.shot);
  };
  const charts = (shot) => {
    const dearest = Math.max(...shot.bars.map((bar) => Math.max(Number(bar.cost_usd), Number(bar.uncached_usd))));
    chart("spend", shot, dearest, money(dearest), `Bars of spend over the last ${words(shot.period)}: ${money(shot.total.cost_usd)} in all, ${money(shot.total.uncached_usd)} ${without(shot)}. Arrow keys read each bar.`,
      (bar) => [["paid", 0, Number(bar.cost_usd)], ["ghost", 0, Number(bar.uncached_usd)]]);
    const most = Math.max(...shot.bars.map((bar) => bar.read + bar.write + bar.input));
    chart("tokens", shot, most, `${short(most)} tokens`, `Stacked bars of prompt tokens over the last ${words(shot.period)}: ${count(shot.total.read)} read, ${count(shot.total.write)} written, ${count(shot.total.input)} uncached. Arrow keys read each bar.`,
      (bar) => [["read", 0, bar.read], ["write", bar.read, bar.read + bar.write], ["uncached", bar.read + bar.write, bar.read + bar.write + bar.input]]);
  };

  // The whole -----------------------------------------------------------------------------------------------
  const show = (shot) => {
    const moved = state.shot && (state.shot.period !== shot.period || state.shot.side !== shot.side);
    state.shot = shot;
    if (moved) { state.picked = {}; at("tip").textContent = ""; }
    at("headline").textContent = headline(shot);
    document.title = (shot.total.calls ? `${share(shot.total.hit_rate)} hit, ${money(shot.total.cost_usd)} · ` : "") + "rockbottom dash";
    const title = shot.simulated ? "The simulated bill" : "What was paid";
    at("spend-title").textContent = `${title}, and what it would be ${without(shot)}`;
    at("without").textContent = without(shot);
    at("paid").textContent = shot.simulated ? "simulated" : "paid";
    at("simulated").hidden = !shot.simulated || !shot.total.calls;
    const sentences = [...shot.measured, ...shot.notices];
    const listed = sentences.join("\n");
    if (at("notices").dataset.listed !== listed) {
      at("notices").dataset.listed = listed;
      at("notices").replaceChildren(...sentences.map((sentence) => element("li", {}, sentence)));
    }
    at("side").hidden = !shot.other;
    at("side").textContent = shot.simulated ? "Show calls to AWS" : "Show simulated calls";
    at("empty").hidden = shot.total.calls > 0 || shot.ledger.calls > 0;
    at("empty-folder").textContent = shot.ledger.folder;
    at("full").hidden = !shot.total.calls;
    at("ledger").textContent = `Ledger: ${shot.ledger.folder} · ${some(shot.ledger.calls, "call", "calls")} taken in`
      + (shot.ledger.last_at ? ` · the latest on ${new Date(shot.ledger.last_at * 1000).toLocaleString("sv-SE")} ${zone()}` : "");
    if (shot.total.calls) {
      at("cards").replaceChildren(...cards(shot));
      charts(shot);
      tables(shot);
    }
    at("figures").setAttribute("aria-busy", String(reading(shot)));
    for (const button of at("periods").children) button.setAttribute("aria-pressed", String(button.value === state.period));
  };
  const say = (text) => { if (at("status").textContent !== text) at("status").textContent = text; };

  const ask = async () => {
    const number = ++state.asked, place = `api/snapshot?period=${state.period}&side=${state.side}`;
    try {
      const answer = await fetch(place, { headers: state.tag ? { "If-None-Match": state.tag } : {}, cache: "no-store" });
      if (number !== state.asked) return;  // another period was chosen meanwhile
      if (answer.status === 200) {
        const shot = await answer.json();
        if (number !== state.asked) return;
        state.tag = answer.headers.get("ETag");
        show(shot);
      } else if (answer.status !== 304) throw new Error(String(answer.status));
      say(state.paused ? "Paused" : `Live · since ${start(state.shot.since)} ${zone()}`);
      plan(reading(state.shot) ? QUICK_MS : POLL_MS);
    } catch {
      if (number !== state.asked) return;
      say("rockbottom dash does not answer" + (state.shot ? `; figures of ${time(state.shot.at, true)}` : ""));
      plan(SLOW_MS);
    }
  };
  const plan = (wait) => {
    clearTimeout(state.timer);
    if (!state.paused && !document.hidden) state.timer = setTimeout(ask, wait);
  };
  const now = () => { state.tag = null; ask(); };
  const keep = () => history.replaceState(null, "", `#${state.period}${state.side === "auto" ? "" : "," + state.side}`);
  const setPeriod = (name) => { state.period = name; keep(); now(); };
  const setSide = () => { if (state.shot && state.shot.other) { state.side = state.shot.other.side; keep(); now(); } };
  const setPaused = () => {
    state.paused = !state.paused;
    at("pause").setAttribute("aria-pressed", String(state.paused));
    if (state.paused) { clearTimeout(state.timer); say("Paused"); } else now();
  };

  for (const [name, title] of PERIODS) {
    const button = element("button", { type: "button", value: name, "aria-pressed": "false", "aria-label": `Last ${title}` }, name);
    button.addEventListener("click", () => setPeriod(name));
    at("periods").append(button);
  }
  at("more").addEventListener("click", () => { state.all = !state.all; tables(state.shot); });
  for (const name of ["tags", "families"]) {
    at(`more-${name}`).addEventListener("click", () => { state[name] = !state[name]; tables(state.shot); });
  }
  at("side").addEventListener("click", setSide);
  at("pause").addEventListener("click", setPaused);
  at("help").addEventListener("click", () => at("keys").showModal());
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "?") { at("keys").open ? at("keys").close() : at("keys").showModal(); return; }
    if (at("keys").open) return;
    const number = Number(event.key);
    if (number >= 1 && number <= PERIODS.length) setPeriod(PERIODS[number - 1][0]);
    else if (event.key === "p") setPaused();
    else if (event.key === "e") setSide();
  });
  document.addEventListener("visibilitychange", () => { if (!document.hidden && !state.paused) ask(); });
  let resized = 0;
  addEventListener("resize", () => {
    cancelAnimationFrame(resized);
    resized = requestAnimationFrame(() => { if (state.shot && state.shot.total.calls) charts(state.shot); });
  });
  const [period, side] = location.hash.slice(1).split(",");
  if (PERIODS.some((one) => one[0] === period)) state.period = period;
  if (side === "aws" || side === "local") state.side = side;
  ask();
})();
