package retention

// artElevenA is where the withdrawal function and its words come from.
const artElevenA = "Directive 2011/83/EU Art. 11a, inserted by Directive (EU) 2023/2673, applied since 2026-06-19: " +
	"https://eur-lex.europa.eu/eli/dir/2023/2673/oj"

// withdrawalRight is the right itself and how its days are counted.
const withdrawalRight = "Directive 2011/83/EU Art. 9 (14 days) and 14 (what is paid back); Regulation (EEC, Euratom) 1182/71 Art. 3: " +
	"https://eur-lex.europa.eu/eli/dir/2011/83/oj"

const californiaReminders = "Cal. Bus. & Prof. Code §17602 as amended by AB 390 (2022-07-01): " +
	"https://fastdemocracy.com/bill-summary/?billsummary_state=ca&billsummary_id=CAB00021688&billsummary_session=20212022"

const californiaOffers = "Cal. Bus. & Prof. Code §17602 as amended by AB 2863 (contracts made, amended or extended since 2025-07-01): " +
	"a benefit may be offered only beside a direct link or button to cancel: " +
	"https://ktslaw.com/en/insights/alert/2024/10/california%20latest%20automatic%20renewal%20law%20amendments%20take%20effect%20in%20july%202025"

const newYork = "N.Y. Gen. Bus. Law §527-a as amended (2025-11): " +
	"https://www.mondaq.com/unitedstates/advertising-marketing-branding/1636502/ny-quietly-amends-automatic-renewal-law"

const massachusetts = "940 CMR 38.05 (2025-09-02): " +
	"https://www.mondaq.com/unitedstates/advertising-marketing-branding/1642916/automatic-renewal-law-updates-massachusetts-new-york-and-connecticut"

// Profiles lists the legal profiles by id. Nobody changes them: a merchant's wishes make a copy (Tightened). A source whose link
// leads to a law firm or a journal was read there, not in the statute.
var Profiles = []LegalProfile{
	{
		// §312k knows a button, a page and a button, and allows nothing in between: the one offer belongs to the
		// signed-in flow, never to the notice.
		ID: ProfileDE, MaxOffers: 1, CancelNowAlways: true, LoginFreeExit: true, WithdrawalDays: 14, WithdrawalFunction: true, Receipt: true,
		StatutoryLanguage: "de", Buttons: StatutoryButtons,
		Sources: []string{
			"BGB §312k Abs. 2 (buttons), Abs. 3 (keeping the declaration), Abs. 4 (receipt at once): https://www.gesetze-im-internet.de/bgb/__312k.html",
			"BGB §§355, 356a (withdrawal function, since 2026-06-19): https://www.gesetze-im-internet.de/bgb/__356a.html",
			"LG Köln 2022-07-29, 33 O 355/22: what may be asked is least and most, no password: https://haufe.de/recht/deutsches-anwalt-office-premium/zap-122023-internetreport-22-abfrage-eines-kundenkennworts-beim-kuendigungsbutton-ist-unzulaessiges-zugangshindernis_idesk_PI17574_HI15746840.html",
			"OLG Düsseldorf 2024-05-23, 20 UKl 3/23: no login, no split pages: https://alro-recht.de/2024/07/03/olg-duesseldorf-kuendigungsbutton-muss-ohne-einen-zwingenden-login-fuer-kunden-erreichbar-sein-um-recht-auf-kuendigung-auszuueben-ansonsten-verstoss-gegen-%C2%A7-312k-bgb/",
			"KG Berlin, 5 UKl 10/25: no login page in between: https://alro-recht.de/2025/12/15/kg-berlin-verstoss-gegen-%c2%a7-312k-bgb-wenn-kuendigungsbutton-zu-zwischenseite-mit-abgabepflicht-der-kundenlogin-daten-fuehrt-und-nicht-direkt-zur-bestaetigungsseite",
			"BGH 2025-05-22, I ZR 161/24: also for a single payment: http://www.caselaw.de/document?di=85e660de-78a0-4008-b1cb-db07e00196b0",
			artElevenA, withdrawalRight,
		},
	},
	{
		// What costs nobody anything and harms no customer: the direct way out, the receipt, and no more offers than the trade shows.
		ID: ProfileElsewhere, MaxOffers: 2, CancelNowAlways: true, Receipt: true,
		Sources: []string{"No law of ours to name; two offers at most as others in the trade do: https://docs.unchurn.dev/offers"},
	},
	{
		// Austria belongs here: it has no button for canceling; §13a FAGG has the directive's German words for withdrawing,
		// for contracts made after 2026-09-30. Iceland, Liechtenstein and Norway have the right to withdraw by the EEA
		// Agreement; that Art. 11a binds there already we have not read, and treat them as if it did.
		ID: ProfileEU, MaxOffers: 1, CancelNowAlways: true, WithdrawalDays: 14, WithdrawalFunction: true, Receipt: true,
		Buttons: []Button{ButtonWithdraw, ButtonConfirmWithdraw},
		Sources: []string{artElevenA, withdrawalRight, "Austria: FAGG §13a, BGBl. I 59/2026", "EEA: Joint Committee Decision 181/2012 (Directive 2011/83/EU)"},
	},
	{
		// No account may be demanded; conditions and consequences may be shown on the way, so one offer is the most.
		ID: ProfileFR, MaxOffers: 1, CancelNowAlways: true, LoginFreeExit: true, WithdrawalDays: 14, WithdrawalFunction: true, Receipt: true,
		StatutoryLanguage: "fr", Buttons: StatutoryButtons,
		Sources: []string{
			"Code de la consommation L215-1-1 (free, direct, confirmed on a durable medium): https://www.actu-juridique.fr/breves/assurances/resiliation-des-contrats-par-voie-electronique-le-decret-est-publie/",
			"Code de la consommation D215-1 to D215-3, décret 2023-417 (words, no account, recap): https://cadra.fr/consommation-publication-des-modalites-techniques-de-mise-en-oeuvre-du-droit-de-resiliation-electronique-au-benefice-du-consommateur/",
			"Code de la consommation L221-18 (14 days)",
			artElevenA, withdrawalRight,
		},
	},
	{
		// The regime of the DMCC Act (two cooling-off periods, reminders, an easy exit online) comes in spring 2027.
		ID: ProfileUK, MaxOffers: 2, CancelNowAlways: true, WithdrawalDays: 14, Receipt: true,
		Sources: []string{
			"Consumer Contracts (Information, Cancellation and Additional Charges) Regulations 2013 reg. 29, 30 (14 days), 36 (what is paid for): https://www.legislation.gov.uk/uksi/2013/3134",
			"Digital Markets, Competition and Consumers Act 2024, part 4 chapter 2, not in force: https://www.slaughterandmay.com/insights/new-insights/spotlight-on-subscription-contracts-what-the-government-s-dmcca-consultation-response-means-for-businesses/",
		},
	},
	{
		// Other states. There is no federal number of offers and no federal button: the Negative Option Rule of 2024 was
		// vacated (8th Cir. 2025-07-08); ROSCA wants a simple mechanism.
		ID: ProfileUS, MaxOffers: 2, CancelNowAlways: true, Receipt: true,
		Notices: []NoticeDuty{
			{Region: "US-MA", Notice: NoticeRenewal, OverDays: 31, Earliest: 30, Latest: 5, Source: massachusetts},
			{Region: "US-NY", Notice: NoticePriceChange, Earliest: 30, Latest: 5, Source: newYork},
		},
		Sources: []string{
			"Restore Online Shoppers’ Confidence Act, 15 U.S.C. §8403; FTC Act §5: https://www.regulatoryoversight.com/2025/08/ftcs-orders-match-group-to-pay-14m-over-alleged-deceptive-subscription-practices-and-guarantee-claims",
			"8th Cir. 2025-07-08: https://www.morganlewis.com/pubs/2025/07/ftcs-click-to-cancel-rule-vacated-ahead-of-planned-july-14-effective-date",
			newYork, massachusetts,
		},
	},
	{
		// “Click to cancel, or words to that effect” beside every offer: our words for it are the reader's.
		ID: ProfileUSCA, MaxOffers: 2, CancelNowAlways: true, Receipt: true,
		Notices: []NoticeDuty{
			{Region: "US-CA", Notice: NoticeTrialEnd, OverDays: 31, Earliest: 21, Latest: 3, Source: californiaReminders},
			{Region: "US-CA", Notice: NoticeRenewal, OverDays: 364, Earliest: 45, Latest: 15, Source: californiaReminders},
			{Region: "US-CA", Notice: NoticeAnnual, Source: californiaOffers},
		},
		Sources: []string{californiaOffers, californiaReminders, "Restore Online Shoppers’ Confidence Act, 15 U.S.C. §8403"},
	},
}
