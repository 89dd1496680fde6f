// Draws what each page lost, source by source. Without this file the page shows an image of it.
"use strict";

(() => {
  const place = document.querySelector(".plot[data-losses]");
  if (!place || !window.Plot) return;
  const data = JSON.parse(place.dataset.losses);
  const css = getComputedStyle(document.documentElement);
  const colour = (name) => css.getPropertyValue(name).trim();
  const number = new Intl.NumberFormat(data.locale);
  // Told apart by their marks as well, for those who see no colours (Okabe and Ito's palette).
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const colours = dark ? ["#56b4e9", "#ff8a3c", "#2bd4a4", "#e08fc0", "#f0c94f", "#e6ebf0"]
    : ["#0072b2", "#d55e00", "#00795a", "#a8487e", "#8a6500", "#1b2530"];
  const marks = ["circle", "triangle", "square", "diamond2", "star", "cross"];
  const sources = [...new Set(data.pages.flatMap((page) => page.curves.map((curve) => curve.source)))];
  const points = data.pages.flatMap((page, order) => page.curves.flatMap((curve) => curve.points.map(
    ([start, end, lost, low, high]) => ({ page: order, source: curve.source, hollow: curve.unstated,
      start: new Date(start), end: new Date(end), at: new Date((start + end) / 2), lost, low, high }))));
  if (!points.length) return;
  const times = points.flatMap((point) => [+point.start, +point.end]);
  if (data.since) times.push(data.since);
  const first = Math.min(...times), last = Math.max(...times), room = Math.max((last - first) * 0.03, 3600e3);
  const domain = [new Date(first - room), new Date(last + room)];
  const shownYears = new Set();
  const tick = (date) => {
    const day = `${date.getUTCDate()} ${data.months[date.getUTCMonth()]}`;
    if (last - first < 2 * 86400e3) return `${date.getUTCHours()}:00\n${day}`;
    const year = date.getUTCFullYear();
    if (shownYears.has(year)) return day;
    shownYears.add(year);
    return `${day}\n${year}`;
  };
  const title = (point) => `${point.source}: ${number.format(point.lost)} ${data.words.lost}`
    + (point.low < point.high ? ` (${number.format(point.low)}–${number.format(point.high)})` : "");

  function draw() {
    const width = place.clientWidth || 640;
    place.replaceChildren();
    for (const [order, page] of data.pages.entries()) {
      const own = points.filter((point) => point.page === order);
      if (!own.length) continue;
      shownYears.clear();
      const head = document.createElement("h2");
      head.textContent = page.name;
      const scale = { domain: sources, range: sources.map((_, place) => colours[place % colours.length]) };
      const symbol = { domain: sources, range: sources.map((_, place) => marks[place % marks.length]) };
      const many = own.length > 60;
      const chart = Plot.plot({ className: "plot-marsad", width, height: 220, marginBottom: 40,
        marginLeft: data.rtl ? 12 : 66, marginRight: data.rtl ? 66 : 12,
        ariaLabel: `${page.name}: ${data.words.lost}`,
        x: { type: "utc", domain, reverse: data.rtl, label: null, tickFormat: tick, ticks: d3.scaleUtc().domain(domain).ticks(Math.max(3, Math.floor(width / 110))) },
        y: { label: null, grid: true, zero: true, axis: data.rtl ? "right" : "left", ticks: 5, tickFormat: (value) => number.format(value) },
        color: scale, symbol,
        marks: [
          Plot.ruleY([0], { stroke: colour("--soft") }),
          data.since ? Plot.ruleX([new Date(data.since)], { stroke: colour("--soft"), strokeDasharray: "2,3", title: () => data.words.began }) : null,
          Plot.line(own, { x: "at", y: "lost", z: "source", stroke: "source", strokeWidth: 1.5 }),
          Plot.ruleY(own.filter((point) => point.start < point.end), { x1: "start", x2: "end", y: "lost", stroke: "source", strokeOpacity: 0.7 }),
          Plot.ruleX(own.filter((point) => point.low < point.high), { x: "at", y1: "low", y2: "high", stroke: "source", strokeOpacity: 0.7 }),
          many ? null : Plot.dot(own, { x: "at", y: "lost", stroke: "source", strokeWidth: 2, symbol: "source",
            fill: { value: (point) => (point.hollow ? colour("--paper") : scale.range[sources.indexOf(point.source)]), scale: null }, r: 4.5, title, ariaLabel: title }),
        ],
      });
      place.append(head, chart);
    }
    const legend = document.createElement("ul");
    legend.className = "legend-list";
    for (const [place, source] of sources.entries()) {
      const item = document.createElement("li");
      item.append(Plot.plot({ className: "plot-marsad", width: 18, height: 18, margin: 0, axis: null, x: { domain: [-1, 1] }, y: { domain: [-1, 1] },
        marks: [Plot.dot([[0, 0]], { symbol: marks[place % marks.length], fill: colours[place % colours.length], r: 5 })] }), document.createElement("bdi"));
      item.lastChild.textContent = source;
      legend.append(item);
    }
    place.append(legend);
    // Plot names its groups of marks in English, where a name is not allowed without a role.
    place.querySelectorAll("g[aria-label]:not([aria-label*='axis'])").forEach((one) => one.removeAttribute("aria-label"));
  }

  draw();
  let width = place.clientWidth;
  addEventListener("resize", () => { if (place.clientWidth !== width) { width = place.clientWidth; draw(); } });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => location.reload());
})();
