// Everything the service needs, in one resource group. Raw resources in plain syntax: what stands here can be read, and
// is checked without a compiler (tests/infra/azure). README.md, "Deploy to Azure", says how to use it.
targetScope = 'resourceGroup'

@minLength(1)
@maxLength(40)
@description('Name of the azd environment: a tag on everything, and part of what makes the names unique.')
param environmentName string

@description('Azure region. It must offer Flex Consumption with Python 3.13: az functionapp list-flexconsumption-locations.')
param location string = resourceGroup().location

@description('Who gets an e-mail for each alert. Empty: alerts fire, and are seen in the portal only.')
param alertEmail string = ''

@allowed([
  512
  2048
  4096
])
@description('Memory of one instance in MB; what Flex Consumption offers. 2048 is its default, and comes with a whole core.')
param instanceMemoryMB int = 2048

@minValue(1)
@maxValue(1000)
@description('How many captures one instance handles at a time. A capture has one request to Dynamics in flight, so 16 on each of three busy instances stay below the 52 that Dynamics serves one user at a time. core/dataverse/traffic.py lets no process have more than 24.')
param httpConcurrency int = 16

@minValue(40)
@maxValue(1000)
@description('At most so many instances. 40 is the least that the plan takes. More instances than Dynamics serves are no fault: it answers 429, and the pause that follows is shared by all of them.')
param maximumInstanceCount int = 40

@minValue(0)
@maxValue(10)
@description('Instances that are kept warm for captures. With 0 nothing is paid while idle, and the first capture of a day waits for a cold start.')
param alwaysReadyInstances int = 1

@description('Instances and storage in several zones of the region, where it has them; then alwaysReadyInstances has to be 2 or more.')
param zoneRedundant bool = false

@minValue(1)
@maxValue(52)
@description('How many requests for bulk work one connection has in flight at most, over all instances; the rest of what Dynamics serves is for captures.')
param bulkAtOnceMost int = 3

@minValue(30)
@maxValue(730)
@description('How long logs and telemetry are kept, in days.')
param logRetentionDays int = 90

@minValue(1)
@description('Most log volume per day in GB. What comes after that is dropped until the next day, and the alert on silence fires.')
param dailyLogQuotaGb int = 1

@allowed([
  'Standard_LRS'
  'Standard_ZRS'
])
@description('Redundancy of storage. ZRS survives the loss of a zone; where the region has no zones, take LRS.')
param storageSku string = 'Standard_ZRS'

@description('One trace from a capture to each request to Dynamics, and counts of both, by OpenTelemetry. It costs a part of a second at a cold start, and its exporter for Python is a beta.')
param tracing bool = false

@description('Client id of an Entra app registration: API and console then ask for a sign-in besides the key. Empty: keys alone. Captures never ask for one.')
param signInClientId string = ''

@description('App settings that shall differ from what modules/app.bicep says, such as RETENTION_LOG_DAYS: README.md lists them. What is changed in the portal instead is lost with the next deployment.')
param otherSettings object = {}

@description('Whether the workspace keeps who read or wrote which row of the tables; of blobs it always does. Each request is a line of some 1.5 KB: about 15 MB for a thousand captures, and a bulk action of 200,000 people alone fills the daily quota, so raise dailyLogQuotaGb with it.')
param logTableAccess bool = false

@description('Object id of the person or group who operates it (azd knows it as AZURE_PRINCIPAL_ID): may read the table SyncLog and the poison queues. Empty: nobody.')
param operatorPrincipalId string = ''

var token = toLower(uniqueString(subscription().id, resourceGroup().id, environmentName))
var tags = {
  'azd-env-name': environmentName
}

// Assigned by us, not by the system: it exists before the app, so its roles do too when the app first starts.
resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-captello-${token}'
  location: location
  tags: tags
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  params: {
    token: token
    location: location
    tags: tags
    retentionDays: logRetentionDays
    dailyQuotaGb: dailyLogQuotaGb
    principalId: identity.properties.principalId
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  params: {
    token: token
    location: location
    tags: tags
    sku: storageSku
    principalId: identity.properties.principalId
    operatorPrincipalId: operatorPrincipalId
    workspaceId: monitoring.outputs.workspaceId
    logTableAccess: logTableAccess
  }
}

module vault 'modules/vault.bicep' = {
  name: 'vault'
  params: {
    token: token
    location: location
    tags: tags
    principalId: identity.properties.principalId
    workspaceId: monitoring.outputs.workspaceId
  }
}

// The app comes after the modules that give its identity its roles: their outputs are parameters here.
module app 'modules/app.bicep' = {
  name: 'app'
  params: {
    token: token
    location: location
    tags: tags
    identityId: identity.id
    identityClientId: identity.properties.clientId
    blobEndpoint: storage.outputs.blobEndpoint
    queueEndpoint: storage.outputs.queueEndpoint
    tableEndpoint: storage.outputs.tableEndpoint
    packageContainer: storage.outputs.packageContainer
    vaultUri: vault.outputs.uri
    insightsName: monitoring.outputs.insightsName
    workspaceId: monitoring.outputs.workspaceId
    instanceMemoryMB: instanceMemoryMB
    httpConcurrency: httpConcurrency
    maximumInstanceCount: maximumInstanceCount
    alwaysReadyInstances: alwaysReadyInstances
    zoneRedundant: zoneRedundant
    bulkAtOnceMost: bulkAtOnceMost
    signInClientId: signInClientId
    tracing: tracing
    otherSettings: otherSettings
  }
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  params: {
    token: token
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    email: alertEmail
  }
}

@description('Where Captello posts to. Put the id of an action in, and ?code= with a function key behind it.')
output CAPTURE_URL string = 'https://${app.outputs.hostName}/api/capture/{action}'

@description('The API: connections, mappings, actions, logs.')
output API_URL string = 'https://${app.outputs.hostName}/api/v1'

@description('The function app, for az functionapp keys and the like.')
output AZURE_FUNCTION_NAME string = app.outputs.name

@description('The vault with the secrets of connections and signatures.')
output AZURE_KEY_VAULT_URL string = vault.outputs.uri

@description('The storage account with tables, queues and the package.')
output AZURE_STORAGE_ACCOUNT string = storage.outputs.name

@description('The workspace that infra/queries ask, by the id that az monitor log-analytics query takes.')
output AZURE_LOG_WORKSPACE_ID string = monitoring.outputs.workspaceCustomerId
