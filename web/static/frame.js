// What every page does beyond what it says: the choice of light and dark, the way to the search, and what is said aloud.
(function () {
	"use strict";
	var root = document.documentElement;

	function dark() {
		return root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
	}

	var theme = document.getElementById("theme");
	theme.addEventListener("click", function () {
		var next = dark() ? "light" : "dark";
		root.dataset.theme = next;
		try { localStorage.setItem("theme", next); } catch (e) { /* it holds for this page */ }
		document.dispatchEvent(new CustomEvent("lessor:theme"));
	});

	// "/" leads to the search, unless somebody is typing.
	document.addEventListener("keydown", function (e) {
		var search = document.getElementById("search");
		if (e.key !== "/" || e.ctrlKey || e.metaKey || e.altKey || !search) { return; }
		if (e.target.closest("input, textarea, select, [contenteditable]")) { return; }
		e.preventDefault();
		search.focus();
		search.select();
	});

	// A page that nobody sees asks for nothing.
	document.addEventListener("htmx:beforeRequest", function (e) {
		var by = e.detail.requestConfig.triggeringEvent;
		if (document.hidden && (!by || by.type === "htmx:poll" || by.type === "every")) { e.preventDefault(); }
	});
	// What a problem says takes the place of nothing else; it goes with the next answer that is none.
	document.addEventListener("htmx:beforeSwap", function (e) {
		var x = e.detail.xhr;
		if (x.getResponseHeader("HX-Retarget")) { e.detail.shouldSwap = true; return; }
		var trouble = document.getElementById("trouble");
		if (trouble.dataset.lost || trouble.firstChild) { trouble.replaceChildren(); delete trouble.dataset.lost; }
	});
	document.addEventListener("htmx:sendError", function () {
		var trouble = document.getElementById("trouble");
		if (trouble.dataset.lost) { return; }
		trouble.dataset.lost = "yes";
		var p = document.createElement("p");
		p.className = "panel bad";
		p.textContent = "The server does not answer. What you see is of before; it is asked again.";
		trouble.replaceChildren(p);
	});

	// A sentence that changed is said aloud, once.
	document.addEventListener("htmx:afterSettle", function () {
		document.querySelectorAll("[data-says]").forEach(function (to) {
			var from = document.getElementById(to.dataset.says);
			if (from && to.dataset.said !== undefined && to.dataset.said !== from.textContent) { to.textContent = from.textContent; }
			if (from) { to.dataset.said = from.textContent; }
		});
	});
	document.querySelectorAll("[data-says]").forEach(function (to) {
		var from = document.getElementById(to.dataset.says);
		if (from) { to.dataset.said = from.textContent; }
	});
	if (window.htmx === undefined) { root.classList.add("still"); }
})();
