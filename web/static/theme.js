// Which of light and dark the person chose last; without a choice the machine's own.
(function () {
	"use strict";
	var chosen = null;
	try { chosen = localStorage.getItem("theme"); } catch (e) { /* a browser that keeps nothing */ }
	if (chosen === "light" || chosen === "dark") { document.documentElement.dataset.theme = chosen; }
})();
