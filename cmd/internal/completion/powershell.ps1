# Completion of wasihttp for PowerShell.
Register-ArgumentCompleter -Native -CommandName wasihttp -ScriptBlock {
  param($word, $tree, $position)
  $words = @($tree.CommandElements | Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
  if ($word -and $words.Count -gt 0) { $words = @($words | Select-Object -SkipLast 1) }
  & wasihttp __complete "=$word" @words 2>$null | ForEach-Object {
    if ($_.StartsWith(':')) {
      $kind, $ends = $_ -split ' '
      $flag = if ($word -match '^(-[^=]*=)') { $Matches[1] } else { '' }
      $path = $word.Substring($flag.Length)
      Get-ChildItem -Path "$path*" -ErrorAction SilentlyContinue | Where-Object {
        $name = $_.Name
        $_.PSIsContainer -or ($kind -eq ':files' -and (-not $ends -or ($ends | Where-Object { $name.EndsWith($_) })))
      } | ForEach-Object {
        $found = $flag + (Join-Path (Split-Path $path) $_.Name)
        [System.Management.Automation.CompletionResult]::new($found, $_.Name, 'ParameterValue', $found)
      }
    } elseif ($_) {
      $text, $help = $_ -split "`t", 2
      if (-not $help) { $help = $text }
      [System.Management.Automation.CompletionResult]::new($text, $text, 'ParameterValue', $help)
    }
  }
}
