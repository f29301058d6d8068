package invoice

import (
	"slices"
	"strings"
)

// Fact is a value and what it is called.
type Fact struct{ Label, Value string }

// grid sets labelled values between two rules; one without a value has no place in it.
func (p *paper) grid(facts []Fact) {
	facts = slices.DeleteFunc(slices.Clone(facts), func(f Fact) bool { return clean(f.Value, lineLimit, true) == "" })
	if len(facts) == 0 {
		return
	}
	widths := p.factWidths(facts)
	p.rule(marginX, p.y, contentWidth, thinner, hair)
	p.y += factGap
	for len(facts) > 0 {
		row := facts[:min(len(widths), len(facts))]
		facts = facts[len(row):]
		labels, values := make([][]paragraph, len(row)), make([]paragraph, len(row))
		labelHeight, valueHeight := 0.0, 0.0
		for i, f := range row {
			labels[i] = p.labelled(f.Label, widths[i])
			values[i] = p.paragraph(f.Value, bodyStyle.as(either), widths[i], lineLimit, someLines)
			labelHeight, valueHeight = max(labelHeight, heightOf(labels[i])), max(valueHeight, values[i].height())
		}
		p.room(labelHeight + valueHeight + factGap)
		x := marginX
		for i := range row {
			p.stack(labels[i], x, p.y, widths[i], start)
			p.set(values[i], x, p.y+labelHeight+0.4, widths[i], start)
			x += widths[i] + factGap
		}
		p.y += labelHeight + valueHeight + factGap
	}
	p.rule(marginX, p.y, contentWidth, thinner, hair)
	p.y += blockGap
}

// factGap is the space between facts.
const factGap = 4.0

// factWidths finds the columns of the grid: as few rows as four columns allow, as even as it goes (five facts are three
// and two), each column as wide as its texts want, what is left shared out, what lacks taken from the widest.
func (p *paper) factWidths(facts []Fact) []float64 {
	const most, narrow, wide = 4, 24.0, 75.0
	rows := (len(facts) + most - 1) / most
	columns := (len(facts) + rows - 1) / rows
	widths := make([]float64, columns)
	for i, f := range facts {
		w := &widths[i%columns]
		*w = max(*w, narrow, p.labelWidth(f.Label))
		for line := range strings.SplitSeq(f.Value, "\n") {
			*w = max(*w, p.natural(line, bodyStyle, lineLimit)+roundingSlack)
		}
		*w = min(*w, wide)
	}
	spare := contentWidth - float64(columns-1)*factGap
	for _, w := range widths {
		spare -= w
	}
	if spare >= 0 {
		for i := range widths {
			widths[i] += spare / float64(columns)
		}
		return widths
	}
	over := 0.0 // what the columns want above the narrowest
	for _, w := range widths {
		over += w - narrow
	}
	for i := range widths {
		widths[i] += spare * (widths[i] - narrow) / over
	}
	return widths
}
