// The small charts of the first page, drawn by uPlot from what the server counted. The figures beside them say the same in words.
(function () {
	"use strict";
	var box = document.getElementById("charts");
	if (!box || !window.uPlot) { return; }
	var plots = {}, kinds = {
		packets: { unit: "/s", lines: [["received", "Received", "--leased"], ["sent", "Sent", "--offered"], ["dropped", "Not answered", "--withheld"]] },
		latency: { unit: " ms", lines: [["answer_p50", "Half within", "--leased"], ["answer_p99", "99 % within", "--over"]] },
		leases: { unit: "", lines: [["active", "Leased", "--leased"], ["stale", "With something older", "--over"]] }
	};
	function colour(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }
	function said(v, unit) {
		if (v === null || v === undefined) { return "–"; }
		return (v >= 100 ? Math.round(v) : Math.round(v * 100) / 100) + unit;
	}
	function two(n) { return n < 10 ? "0" + n : String(n); }
	function clock(u, times) {
		return times.map(function (t) { var d = new Date(t * 1000); return two(d.getHours()) + ":" + two(d.getMinutes()); });
	}
	// Where nobody points at a moment, the latest is said.
	function latest(u) { if (u.cursor.idx === null || u.cursor.idx === undefined) { u.setLegend({ idx: u.data[0].length - 1 }); } }
	function make(figure, name, data) {
		var kind = kinds[name], axis = { stroke: colour("--dim"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
		return new uPlot({
			width: Math.max(figure.clientWidth, 200), height: 120, padding: [6, 4, 0, 0], cursor: { y: false }, legend: { live: true }, hooks: { setCursor: [latest], setData: [latest], ready: [latest] },
			axes: [Object.assign({}, axis, { space: 70, size: 24, values: clock }), Object.assign({}, axis, { size: 44, space: 30 })],
			scales: { y: { range: function (u, lo, hi) { return [0, Math.max(hi * 1.1, 1)]; } } },
			series: [{ label: "Time" }].concat(kind.lines.map(function (l) {
				return { label: l[1], stroke: colour(l[2]), width: 1.5, points: { show: false }, value: function (u, v) { return said(v, kind.unit); } };
			}))
		}, data, figure);
	}
	function draw(k) {
		box.querySelectorAll("[data-chart]").forEach(function (figure) {
			var name = figure.dataset.chart, data = [k.times].concat(kinds[name].lines.map(function (l) { return k[l[0]] || []; }));
			data = data.map(function (d) { return d.length === k.times.length ? d : k.times.map(function (_, i) { return i < d.length ? d[i] : null; }); });
			if (plots[name]) { plots[name].setData(data); } else { plots[name] = make(figure, name, data); }
		});
	}
	function ask() {
		if (document.hidden) { return; }
		fetch(box.dataset.source, { headers: { "HX-Request": "true" } }).then(function (r) { return r.ok ? r.json() : null; }).then(function (k) { if (k) { draw(k); } }).catch(function () { /* said elsewhere */ });
	}
	function anew() {
		Object.keys(plots).forEach(function (name) { plots[name].destroy(); });
		plots = {};
		ask();
	}
	document.addEventListener("lessor:theme", anew);
	matchMedia("(prefers-color-scheme: dark)").addEventListener("change", anew);
	var later;
	addEventListener("resize", function () { clearTimeout(later); later = setTimeout(function () {
		box.querySelectorAll("[data-chart]").forEach(function (f) { var p = plots[f.dataset.chart]; if (p) { p.setSize({ width: Math.max(f.clientWidth, 200), height: 120 }); } });
	}, 150); });
	ask();
	setInterval(ask, 2000);
})();
