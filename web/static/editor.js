// The editor of the document: line numbers beside it, and what is wrong said at its line. Nothing is decided here: what is wrong comes
// from the server, in the list below the document, which says the same without a script.
(function () {
	"use strict";
	var area = document.getElementById("document"), gutter = document.getElementById("gutter"), marks = document.getElementById("marks"), says = document.getElementById("line-says");
	var starts = [0], problems = [], height = 20, said = "", asked = false;

	function number(text) { var n = parseInt(text, 10); return n > 0 ? n : 1; }
	// starts are where the lines begin, in the text.
	function measure() {
		var text = area.value;
		starts = [0];
		for (var at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) { starts.push(at + 1); }
		height = parseFloat(getComputedStyle(area).lineHeight) || 20;
	}
	function lineOf(position) {
		var lo = 0, hi = starts.length - 1;
		while (lo < hi) {
			var mid = (lo + hi + 1) >> 1;
			if (starts[mid] <= position) { lo = mid; } else { hi = mid - 1; }
		}
		return lo + 1;
	}
	function textOf(line) {
		var end = line < starts.length ? starts[line] - 1 : area.value.length;
		return area.value.slice(starts[line - 1], end);
	}
	function read() {
		problems = Array.from(document.querySelectorAll("#problems [data-line]"), function (a) {
			return { line: Math.min(number(a.dataset.line), starts.length), column: number(a.dataset.column), bad: a.dataset.severity !== "warning", text: a.dataset.says, remedy: a.dataset.remedy };
		});
		problems.sort(function (a, b) { return a.line - b.line || a.column - b.column; });
		if (problems.some(function (p) { return p.bad; })) { area.setAttribute("aria-invalid", "true"); } else { area.removeAttribute("aria-invalid"); }
	}
	function wrong() { return problems.filter(function (p) { return p.bad; }); }
	function element(kind, text) {
		var e = document.createElement("span");
		e.className = kind;
		e.textContent = text;
		return e;
	}
	// Only the lines that can be seen are drawn: a document may have a hundred thousand.
	function draw() {
		var style = getComputedStyle(area), top = parseFloat(style.paddingTop) || 0, left = parseFloat(style.paddingLeft) || 0;
		var first = Math.max(Math.floor((area.scrollTop - top) / height), 0), last = Math.min(first + Math.ceil(area.clientHeight / height) + 2, starts.length);
		var numbers = document.createDocumentFragment(), notes = document.createDocumentFragment(), here = {}, crowded = [];
		problems.forEach(function (p) { if (!here[p.line]) { here[p.line] = p; } });
		for (var i = first + 1; i <= last; i++) {
			var p = here[i], n = element("number" + (p ? p.bad ? " bad" : " look" : ""), String(i));
			n.style.top = top + (i - 1) * height - area.scrollTop + "px";
			numbers.append(n);
			if (!p) { continue; }
			var text = textOf(i).replace(/\t/g, "  "), from = Math.min(p.column - 1, Math.max(text.length - 1, 0));
			var wave = element("wave" + (p.bad ? " bad" : " look"), text.slice(from).trimEnd() || " ");
			wave.style.top = n.style.top;
			wave.style.left = "calc(" + from + "ch + " + (left - area.scrollLeft) + "px)";
			var note = element("at-line" + (p.bad ? " bad" : " look"), p.text);
			note.style.top = n.style.top;
			note.style.left = "calc(" + (text.length + 2) + "ch + " + (left - area.scrollLeft) + "px)";
			notes.append(wave, note);
			crowded.push(note);
		}
		gutter.replaceChildren(numbers);
		marks.replaceChildren(notes);
		gutter.style.width = "calc(" + (String(starts.length).length + 3) + "ch)";
		// Where the line leaves no room behind it, the words stand below it.
		crowded.forEach(function (note) {
			if (note.offsetLeft > area.clientWidth - 260) {
				note.style.top = parseFloat(note.style.top) + height + "px";
				note.style.left = Math.max(left, Math.min(note.previousSibling.offsetLeft, area.clientWidth - 560)) + "px";
			}
			note.style.maxWidth = Math.max(area.clientWidth - note.offsetLeft - 8, 40) + "px";
		});
	}
	// What is wrong in the line of the cursor is said below the document, and aloud.
	function speak(always) {
		var line = lineOf(area.selectionStart), of = problems.filter(function (p) { return p.line === line; }), text = "";
		if (of.length > 0) {
			text = of.map(function (p) { return "Line " + p.line + ": " + p.text + (p.remedy ? " → " + p.remedy : ""); }).join(" · ");
		} else if (wrong().length > 0) {
			text = (wrong().length === 1 ? "1 place is wrong, in line " : wrong().length + " places are wrong, the first in line ") + wrong()[0].line + ".";
		} else if (problems.length > 0) {
			text = "Nothing is wrong with it; to look at: line " + problems[0].line + ".";
		} else if (said) {
			text = "Nothing is wrong with it.";
		}
		if (always || text !== said) { said = text; says.textContent = text; }
		says.classList.toggle("bad", of.length > 0);
	}
	function go(line, column) {
		line = Math.min(line, starts.length);
		var at = Math.min(starts[line - 1] + column - 1, starts[line - 1] + textOf(line).length);
		area.focus();
		area.setSelectionRange(at, at);
		area.scrollTop = Math.max((line - 1) * height - area.clientHeight / 2, 0);
		area.scrollLeft = 0;
		draw();
		speak(true);
	}
	function next(back) {
		if (problems.length === 0) { speak(true); return; }
		var at = area.selectionStart, line = lineOf(at), column = at - starts[line - 1] + 1;
		var after = problems.filter(function (p) { return back ? p.line < line || p.line === line && p.column < column : p.line > line || p.line === line && p.column > column; });
		var p = back ? after.pop() || problems[problems.length - 1] : after.shift() || problems[0];
		go(p.line, p.column);
	}
	document.addEventListener("keydown", function (e) {
		if (e.key !== "F8" || e.ctrlKey || e.altKey || e.metaKey) { return; }
		e.preventDefault();
		next(e.shiftKey);
	});
	document.addEventListener("click", function (e) {
		var a = e.target.closest && e.target.closest("#problems [data-line]");
		if (a) { e.preventDefault(); go(number(a.dataset.line), number(a.dataset.column)); }
	});
	area.addEventListener("input", function () {
		measure();
		draw();
		var old = document.getElementById("outdated");
		if (old) { old.hidden = false; }
	});
	area.addEventListener("scroll", draw);
	addEventListener("resize", function () { measure(); draw(); });
	document.addEventListener("selectionchange", function () { if (document.activeElement === area) { speak(false); } });
	document.getElementById("editing").addEventListener("htmx:beforeRequest", function (e) { asked = e.detail.elt !== area; });
	// Who asked for more than a look is led to the first thing that is wrong.
	document.addEventListener("htmx:afterSettle", function () {
		measure();
		read();
		draw();
		if (asked && wrong().length > 0) { go(wrong()[0].line, wrong()[0].column); } else { speak(false); }
		asked = false;
	});
	if (window.ResizeObserver) { new ResizeObserver(draw).observe(area); }
	measure();
	read();
	draw();
	if (wrong().length > 0) { go(wrong()[0].line, wrong()[0].column); }
})();
