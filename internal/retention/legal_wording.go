package retention

import (
	"slices"

	"foyer/internal/foyer"
)

// Wording is the text of a button as a law words it.
type Wording struct {
	// Language is the text's, as a BCP 47 tag.
	Language string
	Text     string
}

// Wording returns the words the law has for a button shown to a customer of that country. Where the country has several
// official languages the reader's (a BCP 47 tag without region) counts if it is one of them, else the first one. False where
// no law names the words: the text is TextKey's then.
func (p LegalProfile) Wording(button Button, country foyer.Country, reader string) (Wording, bool) {
	if !slices.Contains(p.Buttons, button) {
		return Wording{}, false
	}
	language := p.StatutoryLanguage
	if language == "" {
		language = officialLanguage(country, reader)
	}
	if text := cancelWords[language][button]; text != "" {
		return Wording{Language: language, Text: text}, true
	}
	words := withdrawalWords[language]
	if button == ButtonWithdraw {
		return Wording{Language: language, Text: words[0]}, true
	}
	return Wording{Language: language, Text: words[1]}, true
}

// officialLanguage returns the country's language for that reader, English where the directive has no version in it.
func officialLanguage(country foyer.Country, reader string) string {
	official := countryLanguages[country]
	switch {
	case slices.Contains(official, reader):
		return reader
	case len(official) > 0:
		return official[0]
	}
	return "en"
}

// cancelWords are the words for canceling, where a law names any: BGB §312k Abs. 2; Code de la consommation D215-1 and D215-3
// (the first letter is made a capital, but for “jetzt kündigen”, which stands so in the law).
var cancelWords = map[string]map[Button]string{
	"de": {ButtonCancel: "Verträge hier kündigen", ButtonConfirmCancel: "jetzt kündigen"},
	"fr": {ButtonCancel: "Résilier votre contrat", ButtonConfirmCancel: "Notification de la résiliation"},
}

// withdrawalWords are the words of Art. 11a(1) and (3) of Directive 2011/83/EU in its language versions, word for word but for
// the capital at the beginning: all 24 official languages. A “here” is not in all of them, and none is added. (They were
// compared in two published transcriptions that agree, https://cooloffapp.com/en/eu-withdrawal-button-wording/ among them,
// not in the Official Journal itself. Italy's Art. 54-bis Codice del consumo is quoted with the directive's words, and with “recedi”
// in one place. Icelandic and Norwegian are missing: the directive has no authentic version in them.)
var withdrawalWords = map[string][2]string{
	"bg": {"Откажете се от договора тук", "Потвърждавам отказа"},
	"cs": {"Zde odstoupit od smlouvy", "Potvrdit odstoupení od smlouvy"},
	"da": {"Fortryd aftale", "Bekræft fortrydelse"},
	"de": {"Vertrag widerrufen", "Widerruf bestätigen"},
	"el": {"Πατήστε εδώ για υπαναχώρηση", "Επιβεβαίωση υπαναχώρησης"},
	"en": {"Withdraw from contract here", "Confirm withdrawal"},
	"es": {"Desistir del contrato aquí", "Confirmar desistimiento"},
	"et": {"Taganen lepingust", "Kinnitan taganemise"},
	"fi": {"Peruuta sopimus tästä", "Vahvista peruuttaminen"},
	"fr": {"Renoncer au contrat ici", "Confirmer la rétractation"},
	"ga": {"Tarraing siar ón gconradh anseo", "Dearbhaigh an tarraingt siar"},
	"hr": {"Odustati od ugovora", "Potvrditi odustajanje"},
	"hu": {"Elállás a szerződéstől", "Elállás megerősítése"},
	"it": {"Recedere dal contratto qui", "Conferma recesso"},
	"lt": {"Atsisakyti sutarties čia", "Patvirtinti sutarties atsisakymą"},
	"lv": {"Atteikties no līguma", "Apstiprināt atteikumu"},
	"mt": {"Irtira mill-kuntratt hawnhekk", "Ikkonferma r-reċess"},
	"nl": {"Hier de overeenkomst herroepen", "Herroeping bevestigen"},
	"pl": {"Odstąp od umowy tutaj", "Potwierdź odstąpienie od umowy"},
	"pt": {"Retrate-se do contrato aqui", "Confirmar retratação"},
	"ro": {"Retrageți-vă din contract aici", "Confirmați retragerea"},
	"sk": {"Odstúpiť od zmluvy tu", "Potvrdiť odstúpenie od zmluvy"},
	"sl": {"Kliknite tukaj za odstop od pogodbe", "Potrdi odstop od pogodbe"},
	"sv": {"Ångra avtalet här", "Bekräfta frånträde"},
}

// countryLanguages has the states of the EU and the EEA and the Åland Islands, with the official languages the directive has a version
// in, the commonest first. Where there is none (Iceland, Norway) it is English.
var countryLanguages = map[foyer.Country][]string{
	"AT": {"de"}, "BE": {"nl", "fr", "de"}, "BG": {"bg"}, "CY": {"el"}, "CZ": {"cs"}, "DE": {"de"}, "DK": {"da"}, "EE": {"et"},
	"ES": {"es"}, "FI": {"fi", "sv"}, "FR": {"fr"}, "GR": {"el"}, "HR": {"hr"}, "HU": {"hu"}, "IE": {"en", "ga"}, "IT": {"it"},
	"LT": {"lt"}, "LU": {"fr", "de"}, "LV": {"lv"}, "MT": {"mt", "en"}, "NL": {"nl"}, "PL": {"pl"}, "PT": {"pt"}, "RO": {"ro"},
	"SE": {"sv"}, "SI": {"sl"}, "SK": {"sk"},
	"IS": {"en"}, "LI": {"de"}, "NO": {"en"},
	"AX": {"sv"}, // Finnish, with a country code of its own
}

// frenchRegions have country codes of their own and French and Union law in full (TFEU Art. 349): Guadeloupe, French Guiana,
// Martinique, Saint-Martin, Réunion, Mayotte.
var frenchRegions = []foyer.Country{"GF", "GP", "MF", "MQ", "RE", "YT"}
