package foyer

// Currency is an ISO 4217 alphabetic code in capitals.
type Currency string

// decimals lists the currencies Foyer knows whose minor unit is not a hundredth (ISO 4217, list one).
var decimals = map[Currency]int{
	"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0,
	"UYI": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
	"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
	"CLF": 4, "UYW": 4,
}

// hundredths lists the currencies of ISO 4217 whose minor unit is a hundredth.
const hundredths = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF " +
	"CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR " +
	"JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK " +
	"NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT " +
	"TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD YER ZAR ZMW ZWG"

// Valid tells whether c is a currency of ISO 4217.
func (c Currency) Valid() bool {
	if _, ok := decimals[c]; ok {
		return true
	}
	if len(c) != 3 {
		return false
	}
	for i := 0; i+3 <= len(hundredths); i += 4 {
		if hundredths[i:i+3] == string(c) {
			return true
		}
	}
	return false
}

// Decimals returns the number of decimals of the currency's minor unit (ISO 4217): 2 for EUR, 0 for JPY, 3 for BHD.
func (c Currency) Decimals() int {
	if d, ok := decimals[c]; ok {
		return d
	}
	return 2
}
