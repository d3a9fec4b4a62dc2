# Completion of wasihttp for PowerShell.
Register-ArgumentCompleter -Native -CommandName wasihttp -ScriptBlock {
  param($word, $tree, $position)
  $asked = @($tree.CommandElements | Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
  if ($word -and -not $word.StartsWith('-') -and $asked.Count -gt 0) {
    $asked = @($asked | Select-Object -SkipLast 1)
  }
  & wasihttp @asked --generate-bash-completion 2>$null |
    Where-Object { $_ -like "$word*" } |
    ForEach-Object { [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_) }
}
