package scaffold

import (
	"flag"
	"os"
	"testing"

	"github.com/wasihttp/wasihttp/internal/packed/packedtest"
)

var update = flag.Bool("update", false, "write templates.zip.gz anew, of the folder templates")

func TestTheArchiveIsTheFolderTemplates(t *testing.T) {
	packedtest.Check(t, "templates.zip.gz", os.DirFS("templates"), *update)
}
