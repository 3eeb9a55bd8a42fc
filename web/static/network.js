// The squares of a map: the arrow keys go from one to the next, and a line beside says what is pointed at. The map is drawn anew when
// something happens in its network, at most once a second; where events cannot be heard, or come too fast, every few seconds.
(function () {
	"use strict";
	var columns = 16, last = "", pointed = "";
	function cells() { return Array.from(document.querySelectorAll("#cells .cell")); }
	// One square is a stop of the Tab key, the others are reached by arrows.
	function rove() {
		var all = cells(), at = all.findIndex(function (c) { return c.id === last; });
		all.forEach(function (c, i) { c.tabIndex = i === Math.max(at, 0) ? 0 : -1; });
	}
	function say(c) {
		var line = document.getElementById("cell-says");
		if (!c || !line) { return; }
		pointed = c.id;
		line.textContent = c.getAttribute("aria-label");
	}
	function cellOf(e) { return e.target.closest && e.target.closest("#cells .cell"); }
	document.addEventListener("focusin", function (e) {
		var c = cellOf(e);
		if (c) { last = c.id; rove(); say(c); }
	});
	document.addEventListener("pointerover", function (e) { say(cellOf(e)); });
	document.addEventListener("keydown", function (e) {
		var c = cellOf(e), step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[e.key];
		if (!c || (!step && e.key !== "Home" && e.key !== "End")) { return; }
		var all = cells(), to = e.key === "Home" ? 0 : e.key === "End" ? all.length - 1 : all.indexOf(c) + step;
		if (all[to]) { e.preventDefault(); all[to].focus(); }
	});
	document.addEventListener("htmx:afterSettle", function () {
		rove();
		say(document.getElementById(pointed)); // of whom it spoke, it speaks on
	});
	rove();

	var map = document.getElementById("map"), badge = document.getElementById("live");
	if (!map || !badge || !map.dataset.stream || !window.htmx) { return; }
	var second = 1000, often = 4 * second, seldom = 8 * second, most = 200; // events a second
	var source = null, waiting = false, drawn = Date.now(), heard = 0, open = false, later = 0, took = 0, drawing = 0;
	function live(kind, text) { if (badge.textContent !== text) { badge.className = "badge " + kind; badge.textContent = text; } }
	function draw() {
		waiting = false;
		if (document.hidden) { return; }
		drawn = drawing = Date.now();
		window.htmx.trigger("#map", "draw");
	}
	function soon() {
		if (waiting) { return; }
		waiting = true;
		setTimeout(draw, Math.max(250, drawn + Math.max(second, 10 * took) - Date.now()));
	}
	function close() {
		if (source) { source.close(); }
		source = null;
		open = false;
	}
	function listen() {
		if (source) { return; }
		source = new EventSource(map.dataset.stream);
		source.onopen = function () { open = true; live("good", "live"); };
		source.onerror = function () {
			open = false;
			live("wait", "looked at every 4 s");
			if (source && source.readyState === 2) { close(); later = Date.now() + 30 * second; } // refused: as many read as may
		};
		source.onmessage = function () { heard += 1; soon(); };
	}
	// What takes long, as a /10 does, is drawn seldom: it takes a tenth of the time at most.
	document.addEventListener("htmx:afterSettle", function () { if (drawing) { took = Date.now() - drawing; drawing = 0; } });
	setInterval(function () {
		var now = Date.now();
		if (heard > most) { close(); later = now + 60 * second; live("wait", "busy: looked at every 4 s"); }
		heard = 0;
		if (!document.hidden && !source && now > later) { listen(); }
		if (now - drawn > Math.max(open ? seldom : often, 10 * took)) { draw(); }
	}, second);
	document.addEventListener("visibilitychange", function () { if (document.hidden) { close(); } else { soon(); } });
	addEventListener("pagehide", close);
	listen();
})();
