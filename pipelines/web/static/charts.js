// Draws the rows of the table as small multiples. Without this file the page shows an image of them.
"use strict";

(() => {
  const place = document.querySelector(".plot[data-chart]");
  if (!place || !window.Plot) return;
  const data = JSON.parse(place.dataset.chart);
  const css = getComputedStyle(document.documentElement);
  const colour = (name) => css.getPropertyValue(name).trim();
  const moment = (start) => new Date(start.length > 10 ? `${start}:00:00Z` : `${start}T00:00:00Z`);
  // Where a bucket ends: months have no fixed length.
  const endOf = (at) => data.by === "month" ? new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 1))
    : new Date(+at + { day: 86400e3, week: 7 * 86400e3, hour: 3600e3 }[data.by]);
  const number = new Intl.NumberFormat(data.locale);
  const percent = new Intl.NumberFormat(data.locale, { style: "percent", maximumFractionDigits: 0 });

  const rows = data.groups.flatMap((group, order) => group.rows.map((row) => {
    const [start, state, posts, negative, negativeLow, negativeHigh, positive, positiveLow, positiveHigh] = row;
    const day = start.slice(0, 10);
    const at = moment(start), end = endOf(at);
    const span = data.by === "week" || data.by === "month" ? `since=${day}&until=${end.toISOString().slice(0, 10)}` : `day=${day}`;
    const join = group.search.includes("?") ? "&" : "?";
    return { group: order, at, end, day, state, posts,
      shares: [["negative", negative, negativeLow, negativeHigh], ["positive", positive, positiveLow, positiveHigh]],
      href: group.search + join + span };
  }));
  // The two labels stand beside one another in their bucket, so that no interval hides another.
  const points = rows.flatMap((row) => row.shares.map(([label, share, low, high], place) =>
    ({ ...row, label, share, low, high, middle: new Date(+row.at + (row.end - row.at) * (place ? 0.65 : 0.35)) })));
  const known = points.filter((point) => point.share !== null);
  const first = Math.min(...rows.map((row) => +row.at)), last = Math.max(...rows.map((row) => +row.end));
  const domain = [new Date(first), new Date(last)];
  const shownYears = new Set();
  const tick = (date) => {
    const day = `${date.getUTCDate()} ${data.months[date.getUTCMonth()]}`;
    if (last - first < 3 * 86400e3) return `${date.getUTCHours()}:00\n${day}`;
    const text = last - first > 200 * 86400e3 ? data.months[date.getUTCMonth()] : day;
    const year = date.getUTCFullYear();
    if (shownYears.has(year)) return text;
    shownYears.add(year);
    return `${text}\n${year}`;
  };
  const title = (point) => {
    const day = `${point.at.getUTCDate()} ${data.months[point.at.getUTCMonth()]} ${point.at.getUTCFullYear()}`;
    return `${day}: ${data.words[point.label]} ${percent.format(point.share)} (${percent.format(point.low)}–${percent.format(point.high)}), ${number.format(point.posts)} ${data.words.posts}`;
  };
  const colours = { domain: ["negative", "positive"], range: [colour("--band-negative"), colour("--band-positive")] };

  // A day is the shortest step of a chart by days or weeks: no tick twice in one day.
  function ticks(width) {
    const most = Math.max(3, Math.floor(width / 90));
    const days = Math.round((last - first) / 86400e3);
    // in order of time, whichever way the axis runs: the first of a year names it
    return data.by !== "hour" && days <= most ? d3.utcDay.range(...domain) : d3.scaleUtc().domain(domain).ticks(most);
  }

  function draw() {
    shownYears.clear();
    const width = place.clientWidth || 640;
    place.replaceChildren();
    for (const [order, group] of data.groups.entries()) {
      const own = known.filter((point) => point.group === order);
      const ownRows = rows.filter((row) => row.group === order);
      const blind = ownRows.filter((row) => row.state === "unknown");
      if (group.name) {
        const head = document.createElement("h2");
        head.textContent = group.name;
        place.append(head);
      }
      shownYears.clear();
      const start = data.rtl ? "right" : "left";
      const common = { className: "plot-marsad", width, marginLeft: data.rtl ? 12 : 48, marginRight: data.rtl ? 48 : 12,
        x: { type: "utc", domain, reverse: data.rtl, label: null } };
      const gaps = Plot.rectY(blind, { x1: "at", x2: "end", fill: colour("--line"), title: () => data.words.unknown });
      place.append(Plot.plot({ ...common, height: 190, marginBottom: 6,
        ariaLabel: `${group.name} ${data.words.share}`.trim(),
        y: { domain: [0, 1], label: null, grid: true, axis: start, tickFormat: (share) => percent.format(share), ticks: 5 },
        x: { ...common.x, axis: null },
        color: colours,
        marks: [
          gaps,
          Plot.ruleX(data.events, { x: (event) => moment(event[0]), stroke: colour("--soft"), strokeDasharray: "2,3", title: (event) => event[1] }),
          Plot.ruleX(own, { x: "middle", y1: "low", y2: "high", stroke: "label", strokeWidth: 3, strokeOpacity: 0.4 }),
          Plot.dot(own, { x: "middle", y: "share", fill: "label", symbol: "label", r: 4, title, href: "href", ariaLabel: title }),
        ],
        symbol: { domain: ["negative", "positive"], range: ["triangle", "circle"] },
      }));
      place.append(Plot.plot({ ...common, height: 90, marginTop: 6, marginBottom: 40,
        ariaLabel: `${group.name} ${data.words.posts}`.trim(),
        y: { label: null, grid: true, axis: start, ticks: 3, tickFormat: (value) => (Number.isInteger(value) ? number.format(value) : ""), domain: [0, Math.max(1, ...ownRows.map((row) => row.posts || 0))] },
        x: { ...common.x, tickFormat: tick, ticks: ticks(width) },
        marks: [
          gaps,
          Plot.rectY(ownRows.filter((row) => row.posts), { x1: "at", x2: "end", y1: 0, y2: "posts", fill: colour("--soft"), inset: 0.3, href: "href",
            title: (row) => `${row.day}: ${number.format(row.posts)} ${data.words.posts}`, ariaLabel: (row) => `${row.day}: ${number.format(row.posts)} ${data.words.posts}` }),
        ],
      }));
    }
    unnamed();
  }

  // Plot names its groups of marks in English, where a name is not allowed without a role.
  const unnamed = () => place.querySelectorAll("g[aria-label]:not([aria-label*='axis'])").forEach((one) => one.removeAttribute("aria-label"));

  draw();
  let width = place.clientWidth;
  addEventListener("resize", () => { if (place.clientWidth !== width) { width = place.clientWidth; draw(); } });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => location.reload());
})();
