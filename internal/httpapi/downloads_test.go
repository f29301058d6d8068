package httpapi

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/api"
	"foyer/internal/foyer"
	"foyer/internal/i18n"
)

// Threat #71: a link leads to one document of the kind it was made for, as long as it says.
func TestADownloadLinkLeadsToItsKindOfDocument(t *testing.T) {
	t.Parallel()
	const receipt downloadKind = "receipt"
	ring, err := foyer.NewKeyring(strings.Repeat("k", 32))
	require.NoError(t, err)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	fault := errors.New("no room")
	s := &Server{Config: Config{Keyring: ring, PublicURL: "https://billing.test", Now: func() time.Time { return now }}}
	s.downloads = map[downloadKind]downloadSource{
		receipt: func(_ context.Context, d downloadTicket, locale i18n.Locale) (string, []byte, error) {
			switch d.ID {
			case "can_gone":
				return "", nil, foyer.NotFound
			case "can_fault":
				return "", nil, fault
			}
			return "receipt-" + locale.Language + ".pdf", []byte(string(d.Merchant) + " " + d.ID), nil
		},
		downloadInvoice: func(_ context.Context, d downloadTicket, _ i18n.Locale) (string, []byte, error) {
			return "invoice.pdf", []byte(string(d.Customer) + " " + d.ID), nil
		},
	}
	// get answers as GET /v1/downloads/{token} does, from the URL of a link.
	get := func(t *testing.T, url, known string) (api.DownloadResponseObject, http.Header, error) {
		t.Helper()
		token, found := strings.CutPrefix(url, "https://billing.test/v1/downloads/")
		require.True(t, found, url)
		in := httptest.NewRequest(http.MethodGet, "/v1/downloads/"+token, nil)
		in.Header.Set("If-None-Match", known)
		out := httptest.NewRecorder()
		ctx := context.WithValue(t.Context(), requestKey{}, &request{echo: echo.New().NewContext(in, out)})
		answer, err := s.Download(ctx, api.DownloadRequestObject{Token: token})
		return answer, out.Header(), err
	}
	content := func(t *testing.T, answer api.DownloadResponseObject) string {
		t.Helper()
		pdf, ok := answer.(api.Download200ApplicationpdfResponse)
		require.True(t, ok, "%T", answer)
		body, err := io.ReadAll(pdf.Body)
		require.NoError(t, err)
		assert.EqualValues(t, len(body), pdf.ContentLength)
		return string(body)
	}
	link := func(t *testing.T, kind downloadKind, id string, good time.Duration) string {
		t.Helper()
		url, err := s.downloadURL(downloadTicket{
			Merchant: "mer_1", Kind: kind, ID: id, Disposition: "inline", Locale: "de", ExpiresAt: now.Add(good).Unix(),
		})
		require.NoError(t, err)
		return url
	}

	t.Run("a kind of its own", func(t *testing.T) {
		url := link(t, receipt, "can_1", 30*24*time.Hour)
		answer, header, err := get(t, url, "")
		require.NoError(t, err)
		assert.Equal(t, "mer_1 can_1", content(t, answer))
		assert.Equal(t, "inline; filename=receipt-de.pdf", header.Get("Content-Disposition"))
		assert.Equal(t, "de", header.Get("Content-Language"))
		answer, _, err = get(t, url, header.Get("ETag"))
		require.NoError(t, err)
		assert.IsType(t, api.Download304Response{}, answer)
	})
	t.Run("a link from before there were kinds", func(t *testing.T) {
		plain := fmt.Sprintf(`{"m":"mer_1","c":"cus_1","i":"inv_1","l":"en","d":"attachment","e":%d}`, now.Add(time.Minute).Unix())
		answer, header, err := get(t, "https://billing.test/v1/downloads/"+base64.RawURLEncoding.EncodeToString(ring.Seal(purposeDownload, []byte(plain), nil)), "")
		require.NoError(t, err)
		assert.Equal(t, "cus_1 inv_1", content(t, answer))
		assert.Equal(t, "attachment; filename=invoice.pdf", header.Get("Content-Disposition"))
	})
	for name, url := range map[string]string{
		"an unknown kind": link(t, "export", "can_1", time.Hour),
		"expired":         link(t, receipt, "can_1", 0),
		"gone":            link(t, receipt, "can_gone", time.Hour),
		"made up":         "https://billing.test/v1/downloads/" + base64.RawURLEncoding.EncodeToString([]byte(`{"k":"receipt","i":"can_1"}`)),
	} {
		t.Run(name, func(t *testing.T) {
			_, header, err := get(t, url, "")
			refusal, ok := foyer.AsError(err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, "download.invalid", refusal.Code)
			assert.Empty(t, header)
		})
	}
	t.Run("a fault is no wrong link", func(t *testing.T) {
		_, _, err := get(t, link(t, receipt, "can_fault", time.Hour), "")
		assert.ErrorIs(t, err, fault)
	})
}
