package httpapi_test

import (
	"os"
	"testing"

	"foyer/internal/foyertest/postgres"
)

func TestMain(m *testing.M) { os.Exit(postgres.Main(m)) }
