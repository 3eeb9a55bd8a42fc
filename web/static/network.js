// The squares of a map: the arrow keys go from one to the next, and a line below says what is pointed at.
(function () {
	"use strict";
	var columns = 16, last = "";
	function cells() { return Array.from(document.querySelectorAll("#cells .cell")); }
	// One square is a stop of the Tab key, the others are reached by arrows.
	function rove() {
		var all = cells(), at = all.findIndex(function (c) { return c.id === last; });
		all.forEach(function (c, i) { c.tabIndex = i === Math.max(at, 0) ? 0 : -1; });
	}
	function say(c) {
		var line = document.getElementById("cell-says");
		if (c && line) { line.textContent = c.title || c.getAttribute("aria-label"); }
	}
	document.addEventListener("focusin", function (e) {
		var c = e.target.closest && e.target.closest("#cells .cell");
		if (c) { last = c.id; rove(); say(c); }
	});
	document.addEventListener("pointerover", function (e) { say(e.target.closest && e.target.closest("#cells .cell")); });
	document.addEventListener("keydown", function (e) {
		var c = e.target.closest && e.target.closest("#cells .cell"), step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[e.key];
		if (!c || (!step && e.key !== "Home" && e.key !== "End")) { return; }
		var all = cells(), to = e.key === "Home" ? 0 : e.key === "End" ? all.length - 1 : all.indexOf(c) + step;
		if (all[to]) { e.preventDefault(); all[to].focus(); }
	});
	document.addEventListener("htmx:afterSettle", rove);
	rove();
})();
