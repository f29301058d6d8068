package billing

import "strings"

// MethodName is what a customer recognises a payment method by, in codes: who shows it puts them into words.
type MethodName struct {
	Type       string
	Brand      string
	Last4      string
	Wallet     string
	Identifier string
}

func methodName(kind string, c *Card, wallet, identifier string) MethodName {
	n := MethodName{Type: kind, Wallet: wallet, Identifier: identifier}
	if c != nil {
		n.Brand, n.Last4 = c.Brand, c.Last4
	}
	return n
}

// Name returns what the method is recognised by.
func (m PaymentMethod) Name() MethodName {
	return methodName(m.Type, m.Card, m.Wallet, m.Identifier)
}

// MethodName returns what it was tried with is recognised by.
func (a Attempt) MethodName() MethodName {
	return methodName(a.MethodType, a.Card, a.Wallet, a.Identifier)
}

// TriedWith returns the attempt after another method was tried than was asked for: it names that one. Paid, PaymentMethod stays what it was:
// that one is stored, and charged next time. Declined, it is empty: what the bank said of the other one is nothing against the stored one.
func (a Attempt) TriedWith(m GatewayMethod) Attempt {
	a.MethodType, a.Card, a.Wallet, a.Identifier = m.Type, m.Card, m.Wallet, m.Identifier
	if a.Status == AttemptFailed {
		a.PaymentMethod = ""
	}
	return a
}

// AccountMask stands for the digits of an account number that are not shown.
const AccountMask = "•••• "

// Ending is the end of the number of a card or an account ("3000"), empty when it has none.
func (n MethodName) Ending() string {
	if n.Last4 != "" {
		return n.Last4
	}
	end, masked := strings.CutPrefix(n.Identifier, AccountMask)
	if !masked || len(end) > 4 {
		return ""
	}
	return end
}

// Named returns the facts with what was charged, or is to be.
func (f MailFacts) Named(n MethodName) MailFacts {
	f.Method, f.Brand, f.Last4, f.Wallet, f.Identifier = n.Type, n.Brand, n.Last4, n.Wallet, n.Identifier
	return f
}

// MethodName returns what the mail tells of is recognised by.
func (f MailFacts) MethodName() MethodName {
	return MethodName{Type: f.Method, Brand: f.Brand, Last4: f.Last4, Wallet: f.Wallet, Identifier: f.Identifier}
}
