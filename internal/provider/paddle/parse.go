package paddle

import (
	"strings"
	"time"

	"foyer/internal/billing"
)

// Parse reads one file: a list ({"data": […]}), a single entity ({"data": {…}}), a webhook's event, a list of events or
// notifications, or the same without the envelope. Entities are told apart by the prefix of their id; those of kinds
// that are not imported are counted in Ignored. The error of a file that can't be read is a *BrokenFile, and the batch is
// empty then. name is what messages call the file.
func Parse(name string, data []byte) (billing.ImportBatch, error) {
	root := readDocument(name, data)
	if root.doc.err != nil {
		return billing.ImportBatch{}, root.doc.err
	}
	r := &reader{batch: billing.ImportBatch{Source: name}}
	r.file(root)
	if root.doc.err != nil {
		return billing.ImportBatch{}, root.doc.err
	}
	return r.batch, nil
}

// reader collects the entities of one file.
type reader struct {
	batch billing.ImportBatch
}

// file finds out which of the shapes the document has.
func (r *reader) file(root *node) {
	if root.kind == listNode {
		r.list(root)
		return
	}
	if !root.must(objectNode) {
		return
	}
	data := root.at("data")
	switch {
	case isEvent(root), !root.at("id").absent():
		r.record(root)
	case data.kind == listNode:
		r.list(data)
	case data.kind == objectNode:
		r.record(data)
	case data.kind != missingNode:
		data.fail("must be a list or an object, not %s", kindNames[data.kind])
	case root.at("error").kind == objectNode:
		root.at("error").fail("says that this is a refusal of Paddle's API, not data")
	default:
		root.fail("has none of Paddle's shapes: a list or an object under data, an event, or an entity with an id")
	}
}

func (r *reader) list(n *node) {
	for _, item := range n.list {
		if !item.must(objectNode) {
			return
		}
		r.record(item)
	}
}

// isEvent tells whether an object is an event around an entity.
func isEvent(n *node) bool { return !n.at("event_id").absent() }

// record reads an entity, or the one inside an event or a notification.
func (r *reader) record(n *node) {
	switch {
	case isEvent(n):
		r.event(n)
	case prefixOf(n.at("id").text) == "ntf":
		if payload, ok := n.optionalObject("payload"); ok {
			r.event(payload)
		} else {
			r.ignore("ntf")
		}
	default:
		r.entity(n, time.Time{})
	}
}

// event reads the entity inside. Some entities of events carry no times of their own; they are as old as the event.
func (r *reader) event(n *node) {
	n.at("event_id").reference("evt")
	occurred := n.at("occurred_at").time()
	if data := n.object("data"); data.kind == objectNode {
		r.entity(data, occurred)
	}
}

// entity reads one entity. occurred is zero outside of events.
func (r *reader) entity(n *node, occurred time.Time) {
	id := n.at("id")
	switch prefix := prefixOf(id.word()); prefix {
	case "ctm":
		r.batch.Customers = append(r.batch.Customers, billing.ImportedCustomer{Customer: readCustomer(n, occurred)})
	case "add":
		r.batch.Addresses = append(r.batch.Addresses, readAddress(n, occurred))
	case "biz":
		r.batch.Businesses = append(r.batch.Businesses, readBusiness(n, occurred))
	case "pro":
		r.product(n, occurred)
	case "pri":
		r.price(n, occurred)
	case "dsc":
		r.batch.Discounts = append(r.batch.Discounts, readDiscount(n, occurred))
	case "sub":
		r.subscription(n, occurred)
	case "txn":
		r.transaction(n, occurred)
	case "adj":
		r.adjustment(n, occurred)
	default:
		if prefix == "" || len(prefix) > 20 || strings.Trim(prefix, "abcdefghijklmnopqrstuvwxyz") != "" {
			id.fail("must be an id with a prefix such as ctm_ or txn_")
			return
		}
		r.ignore(prefix)
	}
}

// ignore counts an entity of a kind that is not imported.
func (r *reader) ignore(prefix string) {
	if r.batch.Ignored == nil {
		r.batch.Ignored = map[string]int{}
	}
	r.batch.Ignored[prefix]++
}

// stamps returns when the entity was made and last changed. An entity inside an event may lack both.
func stamps(n *node, occurred time.Time) (created, updated time.Time) {
	if at := n.at("created_at"); !at.absent() {
		created = at.time()
	}
	switch at := n.at("updated_at"); {
	case !at.absent():
		updated = at.time()
	case !occurred.IsZero():
		updated = occurred
	case !created.IsZero():
		updated = created
	default:
		at.must(textNode)
	}
	if created.IsZero() {
		created = updated
	}
	return created, updated
}

// dated tells whether an entity inside another says how new it is. One that doesn't is a snapshot and no more.
func dated(n *node) bool { return !n.at("id").absent() && !n.at("updated_at").absent() }

// archived reads the status of customers, addresses, businesses, products and prices.
func archived(n *node) bool {
	status := n.at("status")
	return !status.absent() && oneOf(status, map[string]bool{"active": false, "archived": true})
}
