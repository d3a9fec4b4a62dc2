package interfaces

import (
	"flag"
	"os"
	"testing"

	"github.com/wasihttp/wasihttp/internal/packed/packedtest"
)

var update = flag.Bool("update", false, "write text.zip.gz anew, of the folder text")

func TestTheArchiveIsTheFolderText(t *testing.T) {
	packedtest.Check(t, "text.zip.gz", os.DirFS("text"), *update)
}
