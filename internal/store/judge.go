package store

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// judge reads a statement and refuses it unless every query in it, by itself, compares merchant_id once for each tenant's
// table it names, and at least once, in its WHERE, with a value:
//
//	merchant_id = ?   t.merchant_id IN (?, ?)   u.merchant_id = t.merchant_id (a join; t needs its own)
//
// What does not count: a comparison that is one side of an OR, negated, inside a function or CASE, in the SELECT list, in SET,
// in a comment or a string. An INSERT lists merchant_id among its columns. Every mention of a tenant's table counts, except
// before a dot (payments.id).
//
// It is no SQL parser, and what it can't read it refuses rather than passes. It guards against forgetting, not against intent: the
// statements are our own, and it does not see through a value that is always equal, a LEFT JOIN whose WHERE names the other side,
// or SQL in dollar quotes, views and functions.
func judge(statement string) error {
	r := reader{levels: []*level{{}}}
	for _, word := range token.FindAllString(statement, -1) {
		if strings.HasPrefix(word, "--") || strings.HasPrefix(word, "/*") {
			continue
		}
		r.words = append(r.words, strings.ToLower(strings.Trim(word, "\"`")))
	}
	for i := range r.words {
		r.read(i)
	}
	for len(r.levels) > 1 {
		r.leave()
	}
	r.levels[0].finish(&r)
	if len(r.forgotten) == 0 {
		return nil
	}
	return fmt.Errorf("store: statement on tenant tables %v does not name merchant_id", r.forgotten)
}

// token matches comments, strings, quoted names, parameters, names, numbers and signs.
var token = regexp.MustCompile(`(?s)--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|"[^"]*"|` + "`[^`]*`" + `|\$\d+|\w+|<>|!=|<=|>=|\S`)

// level is one query, or a parenthesis in it.
type level struct {
	// clause is "where" or "on" within a condition.
	clause string
	query  bool // it has a SELECT of its own
	counts bool // a plain parenthesis in a condition: what holds in it holds around it
	insert bool // the next parenthesis holds the columns of an INSERT
	list   bool // this is that parenthesis

	tables []string
	sum    comparisons
	// open are those of the condition being read; an OR makes them worthless.
	open comparisons
	or   bool
}

// comparisons counts where merchant_id is compared, and whether with a value in a WHERE.
type comparisons struct {
	n     int
	value bool
}

func (c *comparisons) add(o comparisons) { c.n, c.value = c.n+o.n, c.value || o.value }

// endCondition takes what the condition names into the sum.
func (l *level) endCondition() {
	if !l.or {
		l.sum.add(l.open)
	}
	l.open, l.or, l.clause = comparisons{}, false, ""
}

// finish judges a query that has been read.
func (l *level) finish(r *reader) {
	l.endCondition()
	if len(l.tables) > l.sum.n || len(l.tables) > 0 && !l.sum.value {
		r.forgotten = append(r.forgotten, l.tables...)
	}
	l.tables, l.sum = nil, comparisons{}
}

type reader struct {
	words     []string
	levels    []*level
	forgotten []string
}

func (r *reader) word(i int) string {
	if i < 0 || i >= len(r.words) {
		return ""
	}
	return r.words[i]
}

func (r *reader) read(i int) {
	l := r.levels[len(r.levels)-1]
	switch word := r.words[i]; word {
	case "(", "case":
		r.enter(l, i)
	case ")", "end":
		r.leave()
	case "select", ";":
		l.finish(r) // of what came before: a UNION, an INSERT's columns, another statement
		l.query = l.query || word == "select"
	case "where", "on":
		l.endCondition()
		l.clause = word
	case "or":
		l.or = true
	case "into":
		l.insert = true
	case "values":
		l.insert = false
		l.endCondition()
	case "from", "join", "left", "right", "inner", "cross", "full", "using", "set", "group", "having", "order", "limit",
		"returning", "union", "intersect", "except", "conflict", "window":
		l.endCondition()
	case "merchant_id":
		if l.list {
			l.sum = comparisons{n: 1, value: true}
		} else if l.clause != "" {
			l.open.add(r.comparison(l, i))
		}
	default:
		if slices.Contains(tenantTables, word) && r.word(i+1) != "." {
			l.tables = append(l.tables, word)
		}
	}
}

// enter opens the level of the parenthesis (or CASE) at i.
func (r *reader) enter(l *level, i int) {
	inner := &level{}
	switch {
	case r.words[i] == "(" && l.insert:
		inner.list, l.insert = true, false
	case r.words[i] == "(" && l.clause != "" && slices.Contains([]string{"where", "on", "and", "("}, r.word(i-1)):
		inner.counts, inner.clause = true, l.clause
	}
	r.levels = append(r.levels, inner)
}

// leave closes a level. A query in it is judged by itself; anything else is part of the level around it.
func (r *reader) leave() {
	if len(r.levels) == 1 {
		return
	}
	inner, l := r.levels[len(r.levels)-1], r.levels[len(r.levels)-2]
	r.levels = r.levels[:len(r.levels)-1]
	if inner.query {
		inner.finish(r)
		return
	}
	inner.endCondition()
	l.tables = append(l.tables, inner.tables...)
	switch {
	case inner.list:
		l.sum.add(inner.sum)
	case inner.counts:
		l.open.add(inner.sum)
	}
}

// comparison tells what the merchant_id at i is compared with.
func (r *reader) comparison(l *level, i int) comparisons {
	before, table := i-1, ""
	if r.word(i-1) == "." {
		before, table = i-3, r.word(i-2)
	}
	if !slices.Contains([]string{"where", "on", "and", "("}, r.word(before)) || r.word(before) == "(" && !l.counts {
		return comparisons{}
	}
	value := func(word string) bool {
		return word != "" && strings.ContainsRune("?$'0123456789", rune(word[0]))
	}
	switch {
	case r.word(i+1) == "=" && value(r.word(i+2)), r.word(i+1) == "in" && r.word(i+2) == "(" && value(r.word(i+3)):
		return comparisons{n: 1, value: l.clause == "where"}
	case r.word(i+1) == "=" && r.word(i+3) == "." && r.word(i+4) == "merchant_id" && r.word(i+2) != table:
		return comparisons{n: 1}
	}
	return comparisons{}
}
