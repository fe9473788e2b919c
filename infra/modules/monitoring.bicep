// Where logs, traces and metrics go. Nobody writes to it with a key: the app's identity is a publisher.
@description('What makes the names unique.')
param token string
@description('Azure region.')
param location string
@description('Tags of everything.')
param tags object
@description('How long logs are kept, in days.')
param retentionDays int
@description('Most log volume per day in GB.')
param dailyQuotaGb int
@description('The app: its identity as Entra knows it.')
param principalId string

// Monitoring Metrics Publisher: sends telemetry to this component, reads nothing
var metricsPublisher = '3913510d-42f4-4e42-8a64-420c390055eb'

resource workspace 'Microsoft.OperationalInsights/workspaces@2026-03-01' = {
  name: 'log-captello-${token}'
  location: location
  tags: tags
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: retentionDays
    workspaceCapping: {
      dailyQuotaGb: dailyQuotaGb
    }
    features: {
      enableLogAccessUsingOnlyResourcePermissions: true
      disableLocalAuth: true
    }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: 'appi-captello-${token}'
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    DisableLocalAuth: true
    DisableIpMasking: false
  }
}

resource publisherRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(insights.id, principalId, metricsPublisher)
  scope: insights
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', metricsPublisher)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

@description('The workspace: its resource.')
output workspaceId string = workspace.id
@description('The workspace: the id that queries are sent to.')
output workspaceCustomerId string = workspace.properties.customerId
@description('The Application Insights component.')
output insightsName string = insights.name
