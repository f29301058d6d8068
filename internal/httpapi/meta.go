package httpapi

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/swaggest/swgui/v5emb"

	"foyer/api"
	"foyer/internal/foyer"
)

// docsPolicy lets the page load its own files and nothing else; Swagger UI draws its icons from data: URLs.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const docsPage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Foyer customer portal API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`

const docsScript = `window.ui = SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis], defaultModelsExpandDepth: 0, docExpansion: "list"
});
`

// docsFiles are the only files of the library that are served.
var docsFiles = []string{"swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"}

// registerMeta adds the pages about the API itself, and what answers where a frontend should be.
func (s *Server) registerMeta(e *echo.Echo) error {
	spec, err := s.spec.MarshalJSON()
	if err != nil {
		return err
	}
	file := func(media string, content []byte) echo.HandlerFunc {
		return func(c echo.Context) error {
			c.Response().Header().Set("Cache-Control", "public, max-age=300")
			return c.Blob(http.StatusOK, media, content)
		}
	}
	e.GET("/openapi.yaml", file("application/yaml", api.YAML))
	e.GET("/openapi.json", file("application/json", spec))
	e.GET("/healthz", func(c echo.Context) error {
		return c.JSON(http.StatusOK, map[string]string{"status": "ok"})
	})
	docs := func(h echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			c.Response().Header().Set("Content-Security-Policy", docsPolicy)
			return h(c)
		}
	}
	e.GET("/docs", docs(file("text/html; charset=utf-8", []byte(docsPage))))
	e.GET("/docs/start.js", docs(file("text/javascript; charset=utf-8", []byte(docsScript))))
	assets := echo.WrapHandler(v5emb.New("", "", "/docs/"))
	for _, name := range docsFiles {
		e.GET("/docs/"+name, docs(func(c echo.Context) error {
			c.Response().Header().Set("Cache-Control", "public, max-age=86400")
			return assets(c)
		}))
	}
	// Links in mails lead to the merchant's frontend. Where none is set they lead here, and this says what to do.
	for _, path := range []string{
		"/", "/sign-in", "/subscriptions/:id", "/subscriptions/:id/cancel", "/subscriptions/:id/payment-method", "/payments/:id",
	} {
		e.GET(path, func(echo.Context) error {
			return &foyer.Error{
				Kind: foyer.NotFound, Code: "frontend.not_configured",
				Params: map[string]any{"URL": strings.TrimRight(s.PublicURL, "/")},
			}
		})
	}
	return nil
}
