{{- define "nerve.selector" -}}
{app.kubernetes.io/name: nerve, app.kubernetes.io/instance: {{ .Release.Name }}}
{{- end }}
{{- define "nerve.metadata" -}}
name: {{ .Release.Name }}
labels:
  app.kubernetes.io/name: nerve
  app.kubernetes.io/instance: {{ .Release.Name }}
  app.kubernetes.io/version: {{ .Chart.AppVersion }}
{{- end }}
{{- define "nerve.probe" -}}
{{ merge (dict "httpGet" (dict "path" .path "port" "http")) .times | toJson }}
{{- end }}
